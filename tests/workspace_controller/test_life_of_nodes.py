"""The life of a Workspace that tunes on two nodes, and serves on one of them."""

from itertools import count
from typing import Literal

import pytest

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Key, Manifest
from tests.workspace_controller.crashing import Crashing
from tests.workspace_controller.given import DIGEST, NAMESPACE, resource, tuning_workspace
from tests.workspace_controller.harness import Environment
from tests.workspace_controller.settling import settled
from tests.workspace_controller.test_crashes import _settled, left, outcome


def two_nodes(**annotations: str) -> Manifest:
    return tuning_workspace(resource=resource(count=2), annotations=annotations)


def begun() -> Environment:
    environment = Environment()
    environment.push_secret()
    environment.apply(two_nodes())
    return environment


async def training() -> Environment:
    """Both nodes train."""
    environment = begun()
    for _ in range(60):
        await environment.replica.round()
        environment.world.step()
        environment.clock.advance(5)
        if environment.workspace()["status"].get("state") == "Tuning":
            return environment
    raise AssertionError("it does not train")


async def test_two_nodes_train_and_one_serves() -> None:
    environment = await settled(two_nodes())
    made = environment.workspace()
    assert made["status"]["state"] == "Ready"
    assert made["status"]["adapter"]["digest"] == DIGEST
    assert made["status"]["nodes"] == "1/1"
    assert environment.world.most_claims == 2
    assert len(environment.cluster.objects(kinds.MACHINE)) == 1
    assert len(environment.cluster.objects(kinds.NODE)) == 1
    assert not environment.cluster.objects(kinds.NETWORK_POLICY)[1:]
    assert [s["metadata"]["name"] for s in environment.cluster.objects(kinds.SERVICE)] == ["ws"]
    assert len(environment.world.runs_seen) == 1


async def test_the_nodes_find_each_other_and_only_the_first_is_asked() -> None:
    environment = await training()
    (job,) = [j for j in environment.cluster.objects(kinds.JOB) if j["metadata"]["name"] == "ws"]
    assert job["spec"]["completions"] == job["spec"]["parallelism"] == 2
    service = environment.cluster.peek(kinds.SERVICE, "ws", NAMESPACE)
    headless = environment.cluster.peek(kinds.SERVICE, "ws-headless", NAMESPACE)
    assert service is not None and headless is not None
    index = "batch.kubernetes.io/job-completion-index"
    assert service["spec"]["selector"][index] == "0"
    assert headless["spec"]["clusterIP"] == "None"
    assert headless["spec"]["publishNotReadyAddresses"] is True
    assert headless["spec"]["selector"] == {labels.WORKSPACE: "ws", labels.ROLE: "tuning"}
    assert job["spec"]["template"]["spec"]["subdomain"] == "ws-headless"
    policy = environment.cluster.peek(kinds.NETWORK_POLICY, "ws.tuning", NAMESPACE)
    assert policy is not None
    peers = {"matchLabels": {labels.WORKSPACE: "ws", labels.ROLE: "tuning"}}
    assert policy["spec"]["ingress"][1] == {"from": [{"podSelector": peers}]}
    assert policy["spec"]["podSelector"] == peers
    assert environment.workspace()["status"]["nodes"] == "2/2"


async def test_a_lost_node_is_replaced_and_the_run_goes_on() -> None:
    environment = await training()
    (job,) = [j for j in environment.cluster.objects(kinds.JOB) if j["metadata"]["name"] == "ws"]
    lost = environment.cluster.objects(kinds.MACHINE)[1]
    await environment.cluster.delete(kinds.MACHINE, lost["metadata"]["name"])
    (pod,) = [
        each for each in environment.cluster.objects(kinds.POD)
        if each["metadata"].get("annotations", {}).get(
            "batch.kubernetes.io/job-completion-index") == "1"
    ]  # fmt: skip
    environment.cluster.change(kinds.POD, Key(NAMESPACE, pod["metadata"]["name"]), None)
    await environment.settle()
    assert len(environment.world.claims_seen) == 3
    assert environment.workspace()["status"]["state"] == "Ready"
    assert environment.world.runs_seen == {job["metadata"]["uid"]}


@pytest.mark.parametrize("when", ["before", "after"])
async def test_crash_at_any_call_does_not_change_the_outcome(
    when: Literal["before", "after"],
) -> None:
    for at in count():
        environment = begun()
        environment.replica = environment.new_replica(Crashing(environment.cluster, at, when))
        died = await _settled(environment)
        context = f"crash {when} call {at}"
        assert outcome(environment.workspace()) == ("Ready", DIGEST, 9), context
        assert left(environment) == {**dict.fromkeys(left(environment), 1), "Job": 2}, context
        assert environment.world.most_claims == 2, context
        assert len(environment.world.runs_seen) == 1, context
        assert len(environment.cluster.objects(kinds.NETWORK_POLICY)) == 1, context
        if not died:
            break
    assert at > 30


@pytest.mark.parametrize("rounds", range(16))
async def test_deletion_at_any_moment_leaves_nothing(rounds: int) -> None:
    environment = begun()
    for _ in range(rounds):
        await environment.replica.round()
        environment.world.step()
    await environment.cluster.delete(kinds.WORKSPACE, "ws", NAMESPACE)
    await environment.settle()
    kinds_left = (*(kinds.MACHINE, kinds.NODE, kinds.POD, kinds.JOB, kinds.SERVICE),
                  kinds.NETWORK_POLICY, kinds.WORKSPACE)  # fmt: skip
    assert {k.kind: environment.cluster.objects(k) for k in kinds_left} == {
        k.kind: [] for k in kinds_left
    }


async def test_nodes_that_serve_nothing_are_all_released() -> None:
    environment = await settled(two_nodes(**{labels.SERVE_TUNED_MODEL: "false"}))
    assert environment.workspace()["status"]["state"] == "Succeeded"
    assert not environment.cluster.objects(kinds.MACHINE)
    assert environment.cluster.peek(kinds.NETWORK_POLICY, "ws.tuning", NAMESPACE) is None


async def test_one_node_has_no_index_and_no_policy_of_its_own() -> None:
    environment = await settled(tuning_workspace())
    (job,) = [j for j in environment.cluster.objects(kinds.JOB) if j["metadata"]["name"] == "ws"]
    assert "completionMode" not in job["spec"] and "successPolicy" not in job["spec"]
    assert environment.cluster.peek(kinds.NETWORK_POLICY, "ws.tuning", NAMESPACE) is None
