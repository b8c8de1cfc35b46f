"""When a process dies at any call, its successor reaches the same outcome."""

from itertools import count
from typing import Literal

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.crashing import NEVER, Crashing, Killed
from tests.workspace_controller.given import DIGEST, NAMESPACE, tuning_workspace
from tests.workspace_controller.harness import Scene

_COUNTED = (kinds.MACHINE, kinds.NODE, kinds.JOB, kinds.DEPLOYMENT, kinds.SERVICE)


async def live(at: int, when: Literal["before", "after"]) -> tuple[Scene, bool]:
    scene = Scene()
    scene.push_secret()
    scene.apply(tuning_workspace())
    scene.replica = scene.new_replica(Crashing(scene.cluster, at, when))
    return scene, await _settled(scene)


async def _settled(scene: Scene) -> bool:
    """Whether the process died. Its successor starts from what the API server has."""
    try:
        await scene.settle()
    except Killed:
        scene.replica = scene.new_replica()
        await scene.settle()
        return True
    return False


def left(scene: Scene) -> dict[str, int]:
    return {kind.kind: len(scene.cluster.objects(kind)) for kind in _COUNTED}


def outcome(workspace: Manifest) -> tuple[str, str, int]:
    status = workspace["status"]
    true = sum(c["status"] == "True" for c in status["conditions"])
    return status["state"], status["adapter"]["digest"], true


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_does_not_change_the_outcome(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        scene, died = await live(at, when)
        if not died:
            break
        context = f"crash {when} call {at}"
        assert outcome(scene.workspace()) == ("Ready", DIGEST, 8), context
        assert left(scene) == dict.fromkeys(left(scene), 1), context
        assert len(scene.world.claims_seen) == 1, context
        assert len(scene.world.jobs_seen) == 1, context
    assert at > 20


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_of_a_deletion_leaves_nothing(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        scene, _ = await live(NEVER, when)
        await scene.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
        scene.replica = scene.new_replica(Crashing(scene.cluster, at, when))
        died = await _settled(scene)
        assert scene.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None
        assert left(scene) == dict.fromkeys(left(scene), 0), f"crash {when} call {at}"
        if not died:
            break
    assert at > 5
