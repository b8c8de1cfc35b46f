"""A cluster of KAITO's becomes one of this chart by the commands of the documentation's page."""

import json
import os
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from tests.e2e import arm
from tests.e2e.documented import blocks, run_block
from tests.e2e.kaito_cluster import RELEASES, KaitoControllers, Manifest
from tests.e2e.reported import condition_of, until_reported
from tools.demo import chat_client, cloud, manifests
from tools.demo.cluster import (
    NAMESPACE,
    KaitoCluster,
    local_images,
    local_values,
    set_up,
    trust_emulator,
)
from tools.demo.kubectl import CommandFailed, Kubectl, TimedOut, run, wait_for
from tools.demo.phase_timer import PhaseTimer
from tools.demo.release import AZURE
from tools.demo.walkthrough import UNTUNED, Watch
from tools.local_cluster.paths import Paths
from tools.venvs import ROOT

PAGE = ROOT / "docs" / "migrating-from-kaito.md"
OURS, FOREIGN = "workspace-phi", "workspace-qwen"
POOLS = {OURS: "ws8f4a1c03d", FOREIGN: "ws0b27e9f51"}
PRESETS = {OURS: "phi-3-mini-128k-instruct", FOREIGN: "qwen3.8-99b"}
OWN_CRDS = (
    "workspaces.kaito.sh",
    "inferencesets.kaito.sh",
    "machines.karpenter.sh",
    "nodeclaims.karpenter.sh",
)
KAITO_CRDS = ("modelmirrors.kaito.sh", "kaitonodeclasses.kaito.sh")
_NO_FINALIZERS = '{"metadata": {"finalizers": null}}'
VARIABLES = {
    "REGISTRY": "registry.invalid/kaito",
    "SUBSCRIPTION": AZURE["azureSubscriptionId"],
    "GROUP": AZURE["azureResourceGroup"],
    "CLUSTER": AZURE["azureClusterName"],
    "LOCATION": AZURE["azureLocation"],
    "TENANT": AZURE["azureTenantId"],
    "CLIENT_ID": AZURE["azureClientId"],
}


@dataclass
class Client:
    """Asks KAITO's model through its Service all the time."""

    url: str
    answers: int = 0
    failures: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> "Client":
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(0.2):
            try:
                with urllib.request.urlopen(self.url, timeout=60) as answer:
                    assert json.load(answer) == {"served": "by KAITO"}
                self.answers += 1
            except (OSError, ValueError, AssertionError) as error:
                self.failures.append(repr(error))


@pytest.fixture
def kaito(clean: KaitoCluster) -> Iterator[KaitoControllers]:
    """KAITO's releases instead of ours, and ours again afterwards."""
    kubectl, paths = clean.kubectl, Paths.from_env(os.environ)
    images = local_images()
    helm = (paths.bin / "helm", "--kubeconfig", paths.kubeconfig)
    try:
        run(*helm, "uninstall", "kaito", "-n", NAMESPACE, "--wait")
        # They are kept by an uninstallation, and no object of them is left.
        kubectl.delete("crd", *OWN_CRDS)
        controllers = KaitoControllers(kubectl, paths, images["data-server"])
        controllers.install(webhooks=False)
        yield controllers
    finally:
        with suppress(CommandFailed, TimedOut):
            for name in (*POOLS, *manifests.WORKSPACES):
                kubectl.delete("workspace", name, wait=False)
            wait_for("the pools to go", lambda: ", ".join(cloud.pool_names()) or None, 120)
        for name in RELEASES:
            run(*helm, "uninstall", name, "-n", name, "--ignore-not-found", "--wait")
            kubectl.delete("namespace", name)
        _abandon(kubectl)
        kubectl.delete("crd", *KAITO_CRDS, *OWN_CRDS)
        set_up(PhaseTimer(), "machine")


def _abandon(kubectl: Kubectl) -> None:
    """What is left where the test has failed, and no controller would remove it."""
    for pool in cloud.pool_names():
        arm.delete_pool(pool)
    for kind in ("workspaces", "nodeclaims", "nodes"):
        for found in kubectl.items(kind):
            if found["metadata"].get("finalizers"):
                name = found["metadata"]["name"]
                kubectl.run("patch", kind, name, "--type=merge", "-p", _NO_FINALIZERS)


def shown(kubectl: Kubectl, when: str) -> None:
    print(f"--- {when} the upgrade")
    kubectl.show("get", "workspaces,inferencesets", "-A")
    kubectl.show("get", "nodeclaims,nodes")
    kubectl.show("get", "statefulsets,deployments,services,pods", "-n", "default")
    for line in cloud.pool_lines():
        print(line)


def kept(kubectl: Kubectl) -> dict[str, Manifest]:
    """What must be the same object afterwards, and pods that must not have restarted."""
    found = kubectl.items("nodeclaims,nodes,statefulsets,services,pods")
    return {
        f"{each['kind']} {each['metadata']['name']}": {
            "uid": each["metadata"]["uid"],
            "containers": [
                (c["containerID"], c["restartCount"])
                for c in (each.get("status") or {}).get("containerStatuses") or ()
            ],
        }
        for each in found
    }


def missing(kubectl: Kubectl) -> str | None:
    """What is not adopted yet."""
    reasons = [condition_of(kubectl, name, "InferenceReady").get("reason") for name in POOLS]
    events = kubectl.items("events", "-A", "--field-selector", "reason=PoolAdopted")
    tagged = [line for line in cloud.pool_lines() if "kaito-claim-uid" in line]
    finalizers = [
        node["metadata"]["name"]
        for node in kubectl.items("nodes", "-l", "kaito.sh/workspace")
        if node["metadata"].get("finalizers")
    ]
    if set(reasons) == {"WorkloadAdopted"} and len(events) >= 2 and len(tagged) == 2:
        return f"finalizers of {finalizers}" if finalizers else None
    return f"{reasons}, {len(events)} events, {len(tagged)} tagged pools"


def webhooks(kubectl: Kubectl) -> str | None:
    """The configurations where they are not as expected: KAITO's are called validation.*."""
    found = kubectl.items("validatingwebhookconfigurations")
    names = [webhook["metadata"]["name"] for webhook in found]
    return None if names == ["kaito-workspace-workspace-controller"] else f"{names}"


def gone(kubectl: Kubectl, name: str) -> str | None:
    found = [f"pool {pool}" for pool in cloud.pool_names() if pool == POOLS[name]]
    found += [
        n["metadata"]["name"] for n in kubectl.items("nodes", "-l", f"agentpool={POOLS[name]}")
    ]
    found += [] if kubectl.get("nodeclaim", POOLS[name]) is None else ["its claim"]
    found += [k for k in ("statefulset", "workspace") if kubectl.get(k, name) is not None]
    return ", ".join(found) or None


def upgrade(kaito: KaitoControllers) -> None:
    """Every command of the page from the CRDs on; the emulator needs more values than Azure."""
    trust_emulator(kaito.kubectl, kaito.paths, "kaito-workspace")
    values = kaito.paths.home / "upgrade.json"
    values.write_text(json.dumps(local_values(local_images(), "nodeclaim")))
    for block in [*blocks(PAGE, "Before")[1:], *blocks(PAGE, "Upgrade")]:
        more = f"--values {values} --wait --timeout 3m" if "helm upgrade" in block else ""
        run_block(block, kaito.paths, VARIABLES, more)


def test_upgrade_restarts_nothing_and_adopts_everything(
    kaito: KaitoControllers, clean: KaitoCluster
) -> None:
    kubectl = kaito.kubectl
    for name, pool in POOLS.items():
        kaito.serve(name, pool, PRESETS[name])
    replicated = {"kind": "InferenceSet", "apiVersion": "kaito.sh/v1beta1"}
    kubectl.apply({**replicated, "metadata": {"name": "set", "namespace": "default"}, "spec": {}})
    kaito.install(webhooks=True)
    shown(kubectl, "before")
    before, deletes = kept(kubectl), cloud.calls("agentPools.delete")
    address = chat_client.cluster_ip(kubectl, OURS)
    with Client(f"http://{address}/health") as client:
        upgrade(kaito)
        wait_for("claims, pools and workloads to be adopted", lambda: missing(kubectl), 120)
        for block in blocks(PAGE, "Check")[:1]:
            run_block(block.partition("# What gpu-prov")[0], kaito.paths, VARIABLES)
        shown(kubectl, "after")
        assert kept(kubectl) == before
        assert cloud.calls("agentPools.delete") == deletes
        assert condition_of(kubectl, OURS, "WorkspaceReady")["status"] == "True"
        assert "cannot serve" in condition_of(kubectl, FOREIGN, "InferenceReady")["message"]
        assert kubectl.get("inferenceset", "set") is not None
        wait_for("KAITO's webhooks to be replaced by ours", lambda: webhooks(kubectl), 60)

        # A Workspace goes with its node, and a new one gets one.
        kubectl.run("apply", "-f", str(UNTUNED))
        kubectl.delete("workspace", FOREIGN, wait=False)
        wait_for("the deleted Workspace's pool to go", lambda: gone(kubectl, FOREIGN), 120)
        Watch(kubectl, manifests.UNTUNED).until_ready()
    assert not client.failures and client.answers
    assert "Result" in chat_client.chat(
        kubectl, manifests.UNTUNED, "What is the capital of Japan?", clean.inputs.curl_image
    )

    # The node is used again by this release, once the user wants it to.
    kubectl.delete("statefulset", OURS)
    until_reported(kubectl, OURS, "InferenceReady", "True InferenceReady", seconds=180)
    assert POOLS[OURS] in cloud.pool_names() and len(cloud.pool_names()) == 2
    kubectl.show("get", "workspaces,nodeclaims,services", "-A")
