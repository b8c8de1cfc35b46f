"""`helm uninstall` by the commands of the documentation, and what it leaves behind."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.documented import blocks, run_block
from tests.e2e.untuned import apply, until_told
from tools.demo import cloud
from tools.demo.cluster import NAMESPACE, KaitoCluster, set_up
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.phase_timer import PhaseTimer
from tools.local_cluster.paths import Paths
from tools.venvs import ROOT

PAGE = Path(ROOT, "docs", "installation.md")
KEPT = {"secret/kaito-workspace-controller-administration"}
CRDS = {
    f"customresourcedefinition.apiextensions.k8s.io/{name}"
    for name in (
        "workspaces.kaito.sh",
        "inferencesets.kaito.sh",
        "machines.karpenter.sh",
        "nodeclaims.karpenter.sh",
    )
}
# Events pass, and the API server makes an APIService of each version of a CRD.
_NOT_KEPT = ("events", "apiservices")
# What the cluster has without the release.
OF_THE_CLUSTER = {
    "serviceaccount/default",
    "configmap/kube-root-ca.crt",
    "configmap/arm-ca",
    f"namespace/{NAMESPACE}",
    "node/kaito-system-0",
    "csinode.storage.k8s.io/kaito-system-0",
    "clusterrolebinding.rbac.authorization.k8s.io/kaito-local:issuer-discovery",
}


@pytest.fixture
def installed_again(clean: KaitoCluster) -> Iterator[None]:
    yield
    set_up(PhaseTimer(), clean.provisioner)


def left_behind(kubectl: Kubectl) -> set[str]:
    """Every object in the namespace of the release, and those of the cluster with its name."""
    found = set[str]()
    for scope in ("true", "false"):
        flags = (f"--namespaced={scope}", "--verbs=list", "-o", "name")
        kinds = kubectl.run("api-resources", *flags).split()
        asked = ",".join(kind for kind in kinds if not kind.startswith(_NOT_KEPT))
        found |= {
            name
            for name in kubectl.run("get", asked, "-n", NAMESPACE, "-o", "name").split()
            if scope == "true" or "kaito" in name or "karpenter" in name
        }
    return found - OF_THE_CLUSTER


@pytest.mark.usefixtures("installed_again")
def test_uninstallation_leaves_exactly_what_the_page_names(clean: KaitoCluster) -> None:
    kubectl, paths = clean.kubectl, Paths.from_env(os.environ)
    # The claim of this Workspace needs no machine.
    cloud.set_fault("forbidden", operation="agentPools.put")
    apply(kubectl)
    until_told(kubectl, "ResourceReady", "False CloudUnauthorized")
    uninstall, delete_secret = blocks(PAGE, "Uninstall")
    run_block(uninstall, paths, {})

    def more_than(wanted: set[str]) -> str | None:
        found = left_behind(kubectl)
        return None if found == wanted else f"{sorted(found ^ wanted)}"

    wait_for("only what the page names", lambda: more_than(CRDS | KEPT), 60)
    run_block(delete_secret, paths, {})
    assert left_behind(kubectl) == CRDS
