"""Acts on the API server as a user, as a provisioner, and as a kubelet."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from kaito_api import labels
from kaito_api.conditions import find as find_condition
from kaito_kube import kinds
from kaito_kube.clock import SteadyClock
from kaito_kube.connect import connect
from kaito_kube.kinds import Kind, Manifest
from tests.charts.render import CHART, find, render
from tests.workspace_controller.given import INSTANCE, RELEASE, settings
from tools.local_cluster.control_plane.kube_api import ApiError
from tools.local_cluster.envtest import StandaloneApiServer
from workspace_controller.__main__ import build

NODE_POOLS = Path(__file__).with_name("karpenter.sh_nodepools.yaml")
PROVISIONER_CRDS = CHART / "charts" / "gpu-provisioner" / "files" / "crds"
OWN_CRD = CHART / "charts" / "workspace-controller" / "files" / "crds" / "kaito.sh_workspaces.yaml"
CRDS = {
    kinds.MACHINE: PROVISIONER_CRDS / "karpenter.sh_machines.yaml",
    kinds.NODE_CLAIM: PROVISIONER_CRDS / "karpenter.sh_nodeclaims.yaml",
    kinds.NODE_POOL: NODE_POOLS,
}
NAME = "kaito-workspace-controller"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_NUMBERS = count()


@dataclass
class Sandbox:
    """The part of the cluster that one test uses. The controller has only the chart's rights."""

    api: StandaloneApiServer
    folder: Path
    namespace: str = field(default_factory=lambda: f"team-{next(_NUMBERS)}")
    account: Path = field(init=False)

    def __post_init__(self) -> None:
        for namespace in (self.namespace, RELEASE):
            self.api.create_namespace(namespace)
        self.api.install_crd(OWN_CRD)
        self.account = self.api.create_account(RELEASE, NAME)
        release, own = render(), f"{_RBAC}/namespaces/{RELEASE}"
        for kind, path in (
            ("ClusterRole", f"{_RBAC}/clusterroles"),
            ("ClusterRoleBinding", f"{_RBAC}/clusterrolebindings"),
            ("Role", f"{own}/roles"),
            ("RoleBinding", f"{own}/rolebindings"),
        ):
            self.api.admin.apply(f"{path}/{NAME}", find(release, kind, NAME))

    def install(self, *kinds_: Kind) -> None:
        for kind in kinds_:
            self.api.install_crd(CRDS[kind])

    def install_pools_without_replicas(self) -> None:
        """The NodePool CRD from before Karpenter 1.8."""
        crd = yaml.safe_load(NODE_POOLS.read_text())
        (version,) = crd["spec"]["versions"]
        del version["subresources"]["scale"]
        spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
        del spec["properties"]["replicas"], spec["x-kubernetes-validations"]
        path = self.folder / "nodepools.yaml"
        path.write_text(yaml.safe_dump(crd))
        self.api.install_crd(path)

    def uninstall(self, *kinds_: Kind) -> None:
        for kind in kinds_:
            self.api.remove_crd(f"{kind.plural}.{kind.group}")

    def clear(self) -> None:
        """Removes everything that the test created: nodes, CRDs, and their objects."""
        for node in self.all(kinds.NODE):
            self.delete(kinds.NODE, node["metadata"]["name"])
        for kind in (kinds.WORKSPACE, *CRDS):
            for found in self.all(kind):
                self.patch(kind, found["metadata"]["name"], {"metadata": {"finalizers": None}})
        self.uninstall(kinds.WORKSPACE, *CRDS)
        self.delete(kinds.VALIDATING_WEBHOOK, NAME)

    def path(self, kind: Kind, name: str = "") -> str:
        root = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        middle = f"/namespaces/{self.namespace}" if kind.namespaced else ""
        return f"{root}{middle}/{kind.plural}" + (f"/{name}" if name else "")

    def all(self, kind: Kind) -> list[Manifest]:
        try:
            items: list[Manifest] = self.api.admin.get(self.path(kind))["items"]
        except ApiError as error:
            assert error.status == 404, error
            return []
        return items

    def get(self, kind: Kind, name: str) -> Manifest | None:
        return next((m for m in self.all(kind) if m["metadata"]["name"] == name), None)

    def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        typed = {"apiVersion": kind.api_version, "kind": kind.kind, **manifest}
        created = self.api.admin.create(self.path(kind), typed)
        if status := manifest.get("status"):
            self.set_status(kind, created["metadata"]["name"], status)
        return created

    def patch(self, kind: Kind, name: str, patch: Manifest) -> None:
        with suppress(ApiError):
            self.api.admin.merge(self.path(kind, name), patch)

    def set_status(self, kind: Kind, name: str, status: Manifest) -> None:
        self.api.admin.merge(f"{self.path(kind, name)}/status", {"status": status})

    def delete(self, kind: Kind, name: str) -> None:
        self.api.admin.delete(self.path(kind, name))

    def workspace(self, name: str = "ws", *, count: int = 1, byo: bool = False) -> Manifest:
        """A Workspace with its own pods, for which resource.count decides the number of nodes."""
        resource = {
            "count": count,
            "labelSelector": {"matchLabels": {"app": "phi"}},
            **({} if byo else {"instanceType": INSTANCE}),
        }
        template = {"spec": {"containers": [{"name": "own", "image": "registry.local/own:1"}]}}
        given = {
            "metadata": {"name": name},
            "resource": resource,
            "inference": {"template": template},
        }
        return self.create(kinds.WORKSPACE, given)

    def node(self, name: str, **more: str) -> None:
        """Creates a Ready node with a GPU."""
        has = {"app": "phi", labels.INSTANCE_TYPE: INSTANCE, **more}
        status = {
            "conditions": [{"type": "Ready", "status": "True"}],
            "capacity": {"nvidia.com/gpu": "1"},
            "allocatable": {"nvidia.com/gpu": "1"},
        }
        self.create(kinds.NODE, {"metadata": {"name": name, "labels": has}, "status": status})

    def condition(self, name: str, type_: str) -> Manifest:
        found = self.get(kinds.WORKSPACE, name) or {}
        conditions = (found.get("status") or {}).get("conditions") or ()
        return dict(find_condition(conditions, type_) or {})

    def status_and_reason(self, name: str, type_: str) -> str:
        """status/reason of a condition, or "/" while there is none."""
        found = self.condition(name, type_)
        return f"{found.get('status', '')}/{found.get('reason', '')}"

    def message(self, name: str, type_: str) -> str:
        return str(self.condition(name, type_).get("message", ""))

    def worker_nodes(self, name: str = "ws") -> list[str]:
        found = self.get(kinds.WORKSPACE, name) or {}
        return list((found.get("status") or {}).get("workerNodes") or ())

    @asynccontextmanager
    async def controller(self, provisioner: str, **more: Any) -> AsyncIterator[None]:
        """Runs the whole process except its signal handlers."""
        given = settings(
            node_provisioner=provisioner,
            lease_name=NAME,
            http_port=0,
            grpc_port=0,
            node_class="karpenter.test/TestNodeClass/default" if provisioner == "nodepool" else "",
            **more,
        )
        stop = asyncio.Event()
        async with connect("kaito-test") as cluster:
            running = asyncio.create_task(
                build(given, cluster, SteadyClock(), random.Random()).run(stop)
            )
            try:
                yield
            finally:
                stop.set()
                assert await running == 0


def condition(type_: str, status: str, reason: str, message: str = "") -> Manifest:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }


async def eventually(holds: Callable[[], object], within: float = 20.0) -> None:
    """Returns once the condition holds.

    The controller must have been triggered: what it polls for would come later, or never.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while not await asyncio.to_thread(holds):
        assert loop.time() < deadline, "the condition did not hold in time"
        await asyncio.sleep(0.1)
