"""InferenceSets from their creation to their deletion, with a crash at every call."""

from itertools import count
from typing import Any, Literal

import pytest

from kaito_api.conditions import find
from kaito_kube import kinds
from kaito_kube.errors import ClusterError, Forbidden
from kaito_kube.kinds import INFERENCE_SET, POD, SERVICE, WORKSPACE, labels_of
from tests.workspace_controller.crashing import Crashing, Killed
from tests.workspace_controller.given import NAMESPACE
from tests.workspace_controller.inference_sets.given_sets import inference_set, template
from tests.workspace_controller.inference_sets.set_environment import KEY, SetEnvironment


async def serving(**spec: Any) -> SetEnvironment:
    made = SetEnvironment()
    made.environment.cluster.seed(INFERENCE_SET, inference_set(**spec))
    await made.settle()
    return made


def names(made: SetEnvironment) -> list[str]:
    return sorted(w["metadata"]["name"] for w in made.workspaces())


def reason(made: SetEnvironment, type_: str) -> str:
    return str((find(made.set()["status"]["conditions"], type_) or {}).get("reason"))


async def test_replicas_serve_and_their_pods_carry_the_sets_label() -> None:
    made = await serving()
    status = made.set()["status"]
    assert (status["replicas"], status["readyReplicas"], status["nodes"]) == (2, 2, 2)
    pods = made.environment.cluster.objects(POD)
    assert {labels_of(pod)["inferenceset.kaito.sh/created-by"] for pod in pods} == {"phi"}
    assert made.environment.cluster.peek(SERVICE, "phi", NAMESPACE) is not None


async def test_a_workspace_that_is_deleted_by_hand_is_replaced() -> None:
    made = await serving()
    gone, kept = names(made)
    await made.environment.cluster.delete(WORKSPACE, gone, NAMESPACE)
    await made.settle()
    assert len(names(made)) == 2 and kept in names(made)
    assert made.set()["status"]["readyReplicas"] == 2


async def test_an_edit_of_the_template_reaches_every_replica_and_one_serves_all_the_time() -> None:
    made = await serving(replicas=1)
    before = names(made)
    made.change(template={"metadata": {"annotations": {"a": "b"}}, **template()})
    env = made.environment
    while reason(made, "RolledOut") != "RolledOut" or names(made) == before:
        await made.reconciler().reconcile(KEY)
        await env.replica.round()
        env.world.step()
        env.clock.advance(5)
        assert made.set()["status"]["readyReplicas"] >= 1
    await made.settle()
    (workspace,) = made.workspaces()
    assert workspace["metadata"]["annotations"] == {"a": "b"}
    assert workspace["metadata"]["name"] not in before
    assert len(env.cluster.objects(kinds.MACHINE)) == 1


async def test_scaling_down_keeps_the_busy_replica() -> None:
    made = await serving()
    addresses = {}
    for number, pod in enumerate(made.environment.cluster.objects(POD)):
        address = addresses[labels_of(pod)["kaito.sh/workspace"]] = f"10.0.0.{number + 1}"
        key = kinds.key_of(pod)
        made.environment.cluster.change(POD, key, {"status": {"podIP": address}})
    # By name and age it would go: both are as old, and the first name goes first.
    busy = names(made)[0]
    made.loads.pods = {address: 9 * (name == busy) for name, address in addresses.items()}
    made.change(replicas=1)
    await made.settle()
    assert names(made) == [busy]


async def test_a_store_that_is_behind_deletes_no_second_replica() -> None:
    made = await serving()
    made.change(replicas=1)
    reconciler = made.reconciler()
    await reconciler.reconcile(KEY)
    first = names(made)
    # What the first pass deleted does not serve any more in the store's eyes, and is there.
    await reconciler.reconcile(KEY)
    assert names(made) == first and len(first) == 1


async def test_scaled_to_zero_nothing_is_left_and_the_set_is_ready() -> None:
    made = await serving()
    made.change(replicas=0)
    await made.settle()
    assert names(made) == [] and made.environment.cluster.objects(kinds.MACHINE) == []
    assert reason(made, "InferenceSetReady") == "ReplicasReady"


async def test_deleting_the_set_deletes_its_workspaces_and_their_nodes() -> None:
    made = await serving()
    await made.environment.cluster.delete(INFERENCE_SET, "phi", NAMESPACE)
    await made.settle()
    cluster = made.environment.cluster
    assert not cluster.objects(WORKSPACE) and not cluster.objects(kinds.MACHINE)


async def test_a_refused_creation_stands_in_the_status() -> None:
    made = SetEnvironment()
    cluster = made.environment.cluster
    cluster.seed(INFERENCE_SET, inference_set())
    cluster.fail_next("create", Forbidden("exceeded quota: team"), WORKSPACE)
    with pytest.raises(ClusterError):
        await made.reconciler().reconcile(KEY)
    found = find(made.set()["status"]["conditions"], "InferenceSetReady") or {}
    assert found["message"].startswith("Workspace: exceeded quota: team")
    await made.settle()
    assert reason(made, "InferenceSetReady") == "ReplicasReady"


async def passes(made: SetEnvironment) -> None:
    """Passes over the set until nothing changes. Workspaces serve, and go, at once."""
    cluster = made.environment.cluster
    for _ in range(20):
        before = cluster.version
        await made.reconciler().reconcile(KEY)
        for workspace in made.workspaces():
            ready = {"type": "WorkspaceReady", "status": "True", "reason": "WorkspaceReady"}
            status = {"status": {"conditions": [ready]}}
            cluster.change(WORKSPACE, kinds.key_of(workspace), status)
        if cluster.version == before:
            return
    raise AssertionError("nothing settles")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_crash_at_any_call_leads_to_the_same_outcome(
    when: Literal["before", "after"],
) -> None:
    """While a set is created, rolled out and scaled down."""
    changed = {"metadata": {"annotations": {"edited": "yes"}}, **template()}
    for at in count():
        made = SetEnvironment()
        cluster = made.environment.cluster
        cluster.seed(INFERENCE_SET, inference_set())
        made.through, died = Crashing(cluster, at, when), False
        for step in ({}, {"template": changed}, {"replicas": 1}):
            made.change(**step)
            try:
                await passes(made)
            except Killed:
                died, made.through = True, None
                await passes(made)
            assert len(names(made)) == made.set()["spec"]["replicas"], f"crash {when} call {at}"
        (workspace,) = made.workspaces()
        assert workspace["metadata"]["annotations"] == {"edited": "yes"}, f"crash {when} call {at}"
        assert made.set()["status"]["readyReplicas"] == 1, f"crash {when} call {at}"
        if not died:
            break
    assert at > 20
