"""The life of a Workspace whose run waits in a queue of Kueue, and may lose its place again."""

from itertools import count
from typing import Literal

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.crashing import Crashing
from tests.workspace_controller.given import DIGEST, NAMESPACE, resource, tuning_workspace
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.settling import conditions
from tests.workspace_controller.test_crashes import _settled, left, outcome

QUEUE = {labels.QUEUE: "gpus", labels.QUEUE_PRIORITY: "low"}
WORDS = "the run waits in queue gpus, and no node is requested before Kueue admits it"


def queued(nodes: int = 1, *, admits: bool = False) -> Environment:
    environment = Environment()
    environment.push_secret()
    environment.world.admits = admits
    spec = tuning_workspace(metadata={"labels": QUEUE}, resource=resource(count=nodes))
    environment.apply(spec)
    return environment


def job(environment: Environment) -> Manifest:
    found = environment.cluster.peek(kinds.JOB, "ws", NAMESPACE)
    assert found is not None
    return found


async def until(environment: Environment, state: str) -> None:
    for _ in range(60):
        if (environment.workspace().get("status") or {}).get("state") == state:
            return
        await environment.replica.round()
        environment.world.step()
        environment.clock.advance(5)
    raise AssertionError(environment.workspace()["status"])


async def test_a_run_waits_in_its_queue_without_a_node() -> None:
    environment = queued()
    await environment.settle()
    status = environment.workspace()["status"]
    assert status["state"] == "Queued"
    assert "costPerHour" not in status
    assert conditions(environment.workspace()) == {
        "DataChecked": "True/DataChecked",
        "MachineReady": "Unknown/Queued",
        "NodesReady": "False/Queued",
        "ResourceReady": "False/Queued",
        "JobStarted": "Unknown/Queued",
        "CheckpointsKept": "False/CheckpointsOnNode",
        "TuningSucceeded": "Unknown/Queued",
        "InferenceReady": "False/InferencePending",
        "WorkspaceSucceeded": "Unknown/WorkspacePending",
        "WorkspaceReady": "False/WorkspacePending",
    }
    (succeeded,) = [c for c in status["conditions"] if c["type"] == "TuningSucceeded"]
    assert succeeded["message"].startswith(WORDS)
    assert not environment.world.claims_seen
    has = job(environment)
    assert has["spec"]["suspend"] is True
    assert QUEUE.items() <= has["metadata"]["labels"].items()
    notes = [event["note"] for event in environment.cluster.objects(kinds.EVENT)]
    assert len([note for note in notes if WORDS in note]) == 1


async def test_nodes_are_requested_once_it_is_admitted() -> None:
    environment = queued()
    await environment.settle()
    environment.world.admits = True
    await environment.settle()
    made = environment.workspace()["status"]
    assert (made["state"], made["adapter"]["digest"]) == ("Ready", DIGEST)
    assert len(environment.world.runs_seen) == len(environment.world.claims_seen) == 1
    notes = [event["note"] for event in environment.cluster.objects(kinds.EVENT)]
    assert not any("no node has room" in note for note in notes)


async def test_a_run_that_loses_its_place_gives_its_nodes_back() -> None:
    environment = queued(2, admits=True)
    await until(environment, "Tuning")
    assert len(environment.cluster.objects(kinds.MACHINE)) == 2
    uid = job(environment)["metadata"]["uid"]
    environment.world.admits = False
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Queued"
    assert not environment.cluster.objects(kinds.MACHINE)
    environment.world.admits = True
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"
    assert environment.world.runs_seen == {uid}
    assert len(environment.world.claims_seen) == 4


async def test_nodes_stay_until_the_pods_have_written_their_checkpoint() -> None:
    environment = queued(admits=True)
    await until(environment, "Tuning")
    environment.cluster.change(kinds.JOB, Key(NAMESPACE, "ws"), {"spec": {"suspend": True}})
    await environment.replica.round()
    assert environment.workspace()["status"]["state"] == "Queued"
    (claim,) = environment.cluster.objects(kinds.MACHINE)
    assert "deletionTimestamp" not in claim["metadata"]


async def test_another_label_moves_a_run_that_waits() -> None:
    environment = queued()
    await environment.settle()
    before = job(environment)["metadata"]["uid"]
    patch = {"metadata": {"labels": {labels.QUEUE: "more-gpus"}}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle()
    after = job(environment)["metadata"]
    assert after["uid"] != before and after["labels"][labels.QUEUE] == "more-gpus"
    unlabeled = {"metadata": {"labels": None}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), unlabeled)
    await environment.settle()
    assert environment.workspace()["status"]["state"] == "Ready"


async def test_a_run_that_was_admitted_stays_where_it_is() -> None:
    environment = queued(admits=True)
    await until(environment, "Tuning")
    uid = job(environment)["metadata"]["uid"]
    patch = {"metadata": {"labels": {labels.QUEUE: "more-gpus"}}}
    environment.cluster.change(kinds.WORKSPACE, Key(NAMESPACE, "ws"), patch)
    await environment.settle()
    assert environment.world.runs_seen == {uid}


async def test_a_job_that_somebody_suspends_is_queued() -> None:
    environment = Environment()
    environment.push_secret()
    environment.apply(tuning_workspace())
    await until(environment, "Tuning")
    environment.cluster.change(kinds.JOB, Key(NAMESPACE, "ws"), {"spec": {"suspend": True}})
    await environment.settle()
    status = environment.workspace()["status"]
    (condition,) = [c for c in status["conditions"] if c["type"] == "TuningSucceeded"]
    assert (status["state"], condition["reason"]) == ("Queued", "Queued")
    assert condition["message"].startswith("Job ws is suspended, and no node is requested until")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_does_not_change_the_outcome(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        environment = queued()
        environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
        died = await _settled(environment)
        context = f"crash {when} call {at}"
        assert environment.workspace()["status"]["state"] == "Queued", context
        assert not environment.world.claims_seen, context
        environment.world.admits = True
        died = await _settled(environment) or died
        assert outcome(environment.workspace()) == ("Ready", DIGEST, 9), context
        assert left(environment) == {**dict.fromkeys(left(environment), 1), "Job": 2}, context
        assert len(environment.world.claims_seen) == 1, context
        assert len(environment.world.runs_seen) == 1, context
        if not died:
            break
    assert at > 25
