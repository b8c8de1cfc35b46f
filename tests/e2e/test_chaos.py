"""Each part killed in the middle of a run, one after the other: the run still ends right."""

from collections.abc import Callable

from tools.demo import cloud, manifests
from tools.demo.chaos import kill_container, leader_of
from tools.demo.kubectl import Kubectl, wait_for
from tools.demo.points import check_all, table
from tools.demo.stage import NAMESPACE, Stage
from tools.demo.timeline import Timeline
from tools.demo.walkthrough import applied_text, walk


def _until(what: str, look: Callable[[], str | None]) -> None:
    wait_for(what, look, 180, pause=0.2)


def _training(kubectl: Kubectl) -> str | None:
    workspace = kubectl.get("workspace", manifests.NAME) or {}
    tuning = (workspace.get("status") or {}).get("tuning") or {}
    return None if tuning.get("step") else f"no step yet: {tuning}"


def _tuning_pod(kubectl: Kubectl) -> str:
    labels = f"kaito.sh/workspace={manifests.NAME},kaito.sh/role=tuning"
    return str(kubectl.items("pods", "-l", labels)[0]["metadata"]["name"])


def test_every_part_killed_once(clean: Stage) -> None:
    kubectl = clean.kubectl
    kubectl.run("apply", "-f", "-", stdin=applied_text(clean.reader))

    _until("an agent pool", lambda: None if cloud.pool_names() else "none yet")
    provisioner = leader_of(kubectl, "gpu-provisioner")
    kill_container(kubectl, provisioner, NAMESPACE, "provisioner")

    controller = leader_of(kubectl, "workspace-controller")
    kill_container(kubectl, controller, NAMESPACE, "controller")

    _until("a training step", lambda: _training(kubectl))
    kill_container(kubectl, _tuning_pod(kubectl), "default", "trainer")

    points = check_all(walk(clean, Timeline()))
    assert all(point.holds for point in points), f"\n{table(points)}"
    assert len(cloud.pool_names()) == 2
