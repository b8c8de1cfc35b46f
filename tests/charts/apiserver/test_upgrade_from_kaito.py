"""The commands of the documentation's page, run by Helm and kubectl as they are printed."""

from tests.e2e.documented import blocks, run_block
from tests.e2e.kaito_cluster import KaitoControllers, Manifest, workspace_of
from tests.workspace_controller import kaito
from tools.demo.kubectl import Kubectl
from tools.local_cluster.paths import Paths
from tools.venvs import ROOT

PAGE = ROOT / "docs" / "migrating-from-kaito.md"
NAME = "workspace-phi"
SET = {
    "apiVersion": "kaito.sh/v1beta1",
    "kind": "InferenceSet",
    "metadata": {"name": "set", "namespace": "default"},
    "spec": {"replicas": 1},
}
VALUES = {
    name: f"{name.lower()}-of-the-user"
    for name in ("REGISTRY", "GROUP", "CLUSTER", "LOCATION", "TENANT", "CLIENT_ID")
} | {"SUBSCRIPTION": "00000000-0000-0000-0000-000000000001"}


def names(kubectl: Kubectl, *what: str) -> list[str]:
    return [each["metadata"]["name"] for each in kubectl.items(*what)]


def identity(kubectl: Kubectl, kind: str) -> Manifest:
    found = kubectl.get(kind, NAME) or {}
    metadata = found["metadata"]
    return {key: metadata.get(key) for key in ("uid", "finalizers", "annotations", "generation")}


def test_documented_upgrade_keeps_every_object_of_kaitos_kinds(paths: Paths) -> None:
    kubectl = Kubectl(str(paths.bin / "kubectl"), ("--kubeconfig", str(paths.kubeconfig)))
    controllers = KaitoControllers(kubectl, paths, "registry.local/server:1")
    controllers.install(webhooks=False)
    workspace = controllers.create(workspace_of(NAME, "phi-4"))
    controllers.create(kaito.stateful_set(workspace, controllers.image))
    kubectl.apply(SET)
    controllers.install(webhooks=True)
    kinds = ("workspace", "statefulset")
    before = [identity(kubectl, kind) for kind in kinds]

    # The first block is for Azure alone.
    for block in [*blocks(PAGE, "Before")[1:], *blocks(PAGE, "Upgrade")]:
        run_block(block, paths, VALUES)

    assert [identity(kubectl, kind) for kind in kinds] == before
    assert names(kubectl, "inferencesets") == ["set"]
    # Nobody refuses Workspaces for a controller that is gone; the new one writes its own.
    assert names(kubectl, "validatingwebhookconfigurations") == []
    assert names(kubectl, "deployments", "-A") == [
        "kaito-workspace-gpu-provisioner",
        "kaito-workspace-inference-gateway",
        "kaito-workspace-workspace-controller",
    ]
    columns = kubectl.run("get", "workspace", NAME).splitlines()[0].split()
    assert columns[-2:] == ["WORKSPACEREADY", "AGE"]

    for block in blocks(PAGE, "Check"):
        if not block.startswith("# Every pool"):
            # Nothing is left alone here, so grep would find nothing.
            run_block(block.partition("# What gpu-provisioner")[0], paths, VALUES)
