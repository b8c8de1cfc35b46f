"""Plays KAITO 0.12 and its gpu-provisioner 0.4: brings about what they leave in a cluster.

Claims, pools, nodes and pods are real ones of the local cluster and of the AKS emulator. Only the
controllers are missing, whose images do not exist.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import arm
from tests.gpu_provisioner import upstream
from tests.workspace_controller import kaito
from tools.demo.kubectl import Kubectl, run, wait_for
from tools.local_cluster.paths import Paths

Manifest = dict[str, Any]

CHARTS = Path(__file__).parent / "kaito_charts"
RELEASES = {"kaito-workspace": "workspace", "gpu-provisioner": "gpu-provisioner"}
SIZE = "Standard_NC6s_v3"
# It answers as an engine does: on port 5000, and on /health once it is up.
_SERVER = (
    'echo \'{"served": "by KAITO"}\' > /tmp/health && exec python3 -m http.server 5000 -d /tmp'
)


CreatePool = Callable[[str, str, Mapping[str, str]], None]
"""Creates an agent pool of that name, size and labels, whose machine joins as a Node."""


@dataclass(frozen=True, slots=True)
class KaitoControllers:
    """`start` brings up the pod of a StatefulSet where no controller of Kubernetes does."""

    kubectl: Kubectl
    paths: Paths
    image: str
    create_pool: CreatePool = arm.create_pool
    start: Callable[[Manifest], None] | None = None

    def install(self, *, webhooks: bool) -> None:
        """Its releases have their own names as namespaces, as in KAITO's documentation."""
        for name, chart in RELEASES.items():
            own = ("--set", f"webhooks={str(webhooks).lower()}") if chart == "workspace" else ()
            run(
                *(self.paths.bin / "helm", "upgrade", "--install", name, CHARTS / chart),
                *("--kubeconfig", self.paths.kubeconfig, "-n", name, "--create-namespace"),
                # As Helm 3 did.
                *("--server-side=false", *own),
            )

    def serve(self, name: str, pool: str, preset: str) -> None:
        """Bring a Workspace up: claim, agent pool, node, workload and status."""
        workspace = self.create(workspace_of(name, preset))
        claim = self.create(self._claim(name, pool))
        node = self._join(claim)
        serving = self.create(_served(kaito.stateful_set(workspace, self.image)))
        for service in kaito.services(workspace):
            self.create(service)
        if self.start is not None:
            self.start(kaito.pod_of(serving, node))
        else:
            self.kubectl.run("rollout", "status", f"statefulset/{name}", "--timeout=60s")
        self.set_status("workspace", name, kaito.status(node))

    def _claim(self, name: str, pool: str) -> Manifest:
        claim = upstream.node_claim()
        renamed = _renamed(claim, {**_names(name), upstream.NAME: pool})
        for key in ("uid", "creationTimestamp"):
            del renamed["metadata"][key]
        return renamed

    def _join(self, claim: Manifest) -> str:
        """The claim's machine, until the claim is Ready. Returns the name of its node."""
        pool, workspace = claim["metadata"]["name"], claim["metadata"]["labels"]["apps"]
        body = upstream.agent_pool()
        born = claim["metadata"]["creationTimestamp"].replace(":", "-")
        labels = _renamed(dict(body.labels), _names(workspace))
        self.create_pool(pool, SIZE, {**labels, "kaito.sh/creation-timestamp": born})
        wait_for(f"the node of {pool}", lambda: self._missing_node(pool), 120)
        (node,) = self.kubectl.items("nodes", "-l", f"agentpool={pool}")
        name, own = node["metadata"]["name"], upstream.node(claim["metadata"]["uid"])["metadata"]
        metadata = {
            "finalizers": own["finalizers"],
            "ownerReferences": [{**own["ownerReferences"][0], "name": pool}],
            "labels": {
                "accelerator": "nvidia",
                "karpenter.sh/registered": "true",
                "karpenter.sh/initialized": "true",
            },
        }
        self._patch("node", name, {"metadata": metadata})
        status = _renamed(upstream.node_claim()["status"], _names(workspace))
        where = {"nodeName": name, "providerID": node["spec"]["providerID"]}
        self.set_status("nodeclaim", pool, {**status, **where})
        return str(name)

    def _missing_node(self, pool: str) -> str | None:
        nodes = self.kubectl.items("nodes", "-l", f"agentpool={pool}")
        gpus = [(node["status"].get("allocatable") or {}).get("nvidia.com/gpu") for node in nodes]
        ready = [
            c["status"] for n in nodes for c in n["status"]["conditions"] if c["type"] == "Ready"
        ]
        return None if gpus and gpus[0] and ready == ["True"] else f"ready: {ready}, GPUs: {gpus}"

    def create(self, manifest: Manifest) -> Manifest:
        created = self.kubectl.run("create", "-f", "-", "-o", "json", stdin=json.dumps(manifest))
        found: Manifest = json.loads(created)
        return found

    def _patch(self, kind: str, name: str, patch: Manifest, *flags: str) -> None:
        self.kubectl.run("patch", kind, name, "--type=merge", "-p", json.dumps(patch), *flags)

    def set_status(self, kind: str, name: str, status: Manifest) -> None:
        self._patch(kind, name, {"status": status}, "--subresource=status")


def workspace_of(name: str, preset: str) -> Manifest:
    return {
        "apiVersion": "kaito.sh/v1beta1",
        "kind": "Workspace",
        "metadata": {
            "name": name,
            "namespace": "default",
            "annotations": kaito.annotations(),
            "finalizers": ["workspace.finalizer.kaito.sh"],
        },
        "resource": {
            "count": 1,
            "instanceType": SIZE,
            "labelSelector": {"matchLabels": {"apps": name}},
        },
        "inference": {"preset": {"name": preset, "accessMode": "public"}},
    }


def _served(manifest: Manifest) -> Manifest:
    """The server in place of an engine that needs a GPU."""
    pod = manifest["spec"]["template"]["spec"]
    pod["terminationGracePeriodSeconds"] = 1
    pod["containers"][0]["command"] = ["sh", "-c", _SERVER]
    health = {"httpGet": {"path": "/health", "port": 5000}, "periodSeconds": 1}
    pod["containers"][0]["readinessProbe"] = health
    return manifest


def _names(workspace: str) -> dict[str, str]:
    return {"workspace-phi-4": workspace, "phi-4": workspace, "Standard_NC24ads_A100_v4": SIZE}


def _renamed(manifest: Manifest, names: Mapping[str, str]) -> Manifest:
    """The manifest with other names, the longest first."""
    text = json.dumps(manifest)
    for old in sorted(names, key=len, reverse=True):
        text = text.replace(json.dumps(old), json.dumps(names[old]))
    result: Manifest = json.loads(text)
    return result
