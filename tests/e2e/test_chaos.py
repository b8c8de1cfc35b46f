"""Each component is killed during a run, and the run still succeeds."""

from collections.abc import Callable

from tools.demo import cloud, manifests
from tools.demo.chaos import kill_container, leader_of
from tools.demo.checks import run_checks, table
from tools.demo.cluster import NAMESPACE, KaitoCluster
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.phase_timer import PhaseTimer
from tools.demo.walkthrough import applied_text, walk


def _until(what: str, look: Callable[[], str | None]) -> None:
    wait_for(what, look, 180, pause=0.2)


def _training(kubectl: Kubectl) -> str | None:
    workspace = kubectl.get("workspace", manifests.TUNED) or {}
    tuning = (workspace.get("status") or {}).get("tuning") or {}
    return None if tuning.get("step") else f"no step yet: {tuning}"


def _tuning_pod(kubectl: Kubectl) -> str:
    labels = f"kaito.sh/workspace={manifests.TUNED},kaito.sh/role=tuning"
    return str(kubectl.items("pods", "-l", labels)[0]["metadata"]["name"])


def test_walkthrough_succeeds_when_every_component_is_killed_once(clean: KaitoCluster) -> None:
    kubectl = clean.kubectl
    kubectl.run("apply", "-f", "-", stdin=applied_text(clean.inputs))

    _until("an agent pool", lambda: None if cloud.pool_names() else "none yet")
    provisioner = leader_of(kubectl, "gpu-provisioner")
    kill_container(kubectl, provisioner, NAMESPACE, "provisioner")

    controller = leader_of(kubectl, "workspace-controller")
    kill_container(kubectl, controller, NAMESPACE, "controller")

    _until("a training step", lambda: _training(kubectl))
    kill_container(kubectl, _tuning_pod(kubectl), "default", "trainer")

    results = run_checks(walk(clean, PhaseTimer()))
    assert all(result.passed for result in results), f"\n{table(results)}"
    assert len(cloud.pool_names()) == 2
