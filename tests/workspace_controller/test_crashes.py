"""When a process dies at any call, its successor reaches the same outcome."""

from itertools import count
from typing import Literal

import pytest

from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from tests.workspace_controller.crashing import NEVER, Crashing, Killed
from tests.workspace_controller.given import DIGEST, NAMESPACE, tuning_workspace
from tests.workspace_controller.harness import Environment

_COUNTED = (kinds.MACHINE, kinds.NODE, kinds.JOB, kinds.DEPLOYMENT, kinds.SERVICE)


async def live(at: int, when: Literal["before", "after"]) -> tuple[Environment, bool]:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
    return environment, await _settled(environment)


async def _settled(environment: Environment) -> bool:
    """Whether the process died. Its successor starts from what the API server has."""
    try:
        await environment.settle()
    except Killed:
        environment.replica = environment.new_replica()
        await environment.settle()
        return True
    return False


def left(environment: Environment) -> dict[str, int]:
    return {kind.kind: len(environment.cluster.objects(kind)) for kind in _COUNTED}


def outcome(workspace: Manifest) -> tuple[str, str, int]:
    status = workspace["status"]
    true = sum(c["status"] == "True" for c in status["conditions"])
    return status["state"], status["adapter"]["digest"], true


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_does_not_change_the_outcome(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        environment, died = await live(at, when)
        if not died:
            break
        context = f"crash {when} call {at}"
        assert outcome(environment.workspace()) == ("Ready", DIGEST, 9), context
        assert left(environment) == {**dict.fromkeys(left(environment), 1), "Job": 2}, context
        assert len(environment.world.claims_seen) == 1, context
        assert len(environment.world.runs_seen) == 1, context
    assert at > 20


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_after_the_spec_of_a_failed_check_changed(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        environment = Environment()
        environment.push_secret()
        environment.apply(tuning_workspace())
        environment.world.check_failure = {"reason": "DataUnreadable", "message": "a web page"}
        await environment.settle()
        assert not environment.world.claims_seen
        environment.world.check_failure = None
        urls = {"tuning": {"input": {"urls": ["https://data.example/b"]}}}
        await environment.cluster.patch(kinds.WORKSPACE, "ws", urls, namespace=NAMESPACE)
        environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
        died = await _settled(environment)
        context = f"crash {when} call {at}"
        assert outcome(environment.workspace()) == ("Ready", DIGEST, 9), context
        assert len(environment.world.claims_seen) == 1, context
        assert len(environment.world.runs_seen) == 1, context
        if not died:
            break
    assert at > 20


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_of_a_deletion_leaves_nothing(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        environment, _ = await live(NEVER, when)
        await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
        environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
        died = await _settled(environment)
        assert environment.cluster.peek(kinds.WORKSPACE, "ws", NAMESPACE) is None
        assert left(environment) == dict.fromkeys(left(environment), 0), f"crash {when} call {at}"
        if not died:
            break
    assert at > 5
