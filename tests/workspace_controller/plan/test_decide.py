"""decide is total: it returns a plan for every observation."""

import random
from typing import Any

import pytest

from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import (
    claim,
    conditions_by_type,
    inference_workspace,
    node,
    observation,
    own_node,
    pod,
    settings,
    stored,
    tuning_workspace,
    workspace,
)
from tests.workspace_controller.plan.tuning import test_run as tuning
from workspace_controller.observed import Observed, SecretFact, TuningRun, UserFile
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Create

PASSED = {
    "metadata": {
        "name": "ws.data-check",
        "annotations": {"workspace.kaito.io/revision": tuning.CURRENT},
    },
    "status": {"conditions": [{"type": "Complete", "status": "True"}]},
}
ODD: tuple[Any, ...] = (None, "", "odd", 0, -1, 3.5, [], {}, [None], ["odd"], {"odd": None}, True)


def test_first_plan_adds_the_finalizer() -> None:
    assert decide(observation(stored(tuning_workspace()))).finalizer == "add"
    marked = stored(tuning_workspace(), finalizers=["workspace.finalizer.kaito.sh"])
    assert decide(observation(marked)).finalizer == "keep"


@pytest.mark.parametrize(
    "manifest",
    [
        workspace(),
        workspace(resource={}),
        workspace(resource={"labelSelector": {}}, inference={"preset": {}}),
        workspace(resource={"labelSelector": {}, "count": "many"}),
        workspace(resource=[], tuning="odd"),
    ],
    ids=["nothing", "no selector", "no name", "odd count", "odd types"],
)
def test_manifest_that_violates_the_schema_is_reported(manifest: Manifest) -> None:
    status = decide(observation(stored(manifest))).status
    assert status is not None and status["state"] == "Failed"
    assert conditions_by_type(status)["ResourceReady"] == "False/WorkspaceInvalid"


def test_workspace_without_inference_and_tuning_gets_a_status() -> None:
    only_nodes = workspace(resource={"labelSelector": {}, "instanceType": "Standard_NC6s_v3"})
    assert decide(observation(stored(only_nodes), claims=(claim(0),))).status is not None


@pytest.mark.parametrize(
    "manifest", [tuning_workspace(), inference_workspace()], ids=["tuning", "inference"]
)
def test_nodes_are_requested_before_anything_but_the_check_of_the_data(manifest: Manifest) -> None:
    found = {
        "type": "DataChecked",
        "status": "True",
        "reason": "DataChecked",
        "observedGeneration": 1,
    }
    checked = {**stored(manifest), "status": {"conditions": [found]}}
    plan = decide(observation(checked, data_check=PASSED))
    assert [type(action) for action in plan.actions] == [Create]
    assert (plan.finalizer, plan.status, plan.events) == ("add", None, ())
    assert plan.requeue_after_seconds is not None
    then = decide(observation(stored(manifest), claims=(claim(0),)))
    assert then.status is not None and then.status["state"] == "Provisioning"
    assert then.requeue_after_seconds is None


def _odd_status(rng: random.Random) -> Manifest:
    """A status in the shape of the API, with malformed values where a server would allow them."""
    return {
        "conditions": rng.choice([None, [], [{"type": "Ready"}], [{"type": "X", "status": "Odd"}]]),
        "phase": rng.choice([None, "Pending", "Running", "Failed", "Odd"]),
        "reason": rng.choice([None, "Evicted", "Odd"]),
        "podIP": rng.choice([None, "10.0.0.1"]),
        "allocatable": rng.choice([None, {}, {"nvidia.com/gpu": rng.choice(["1", "odd", ""])}]),
        "nodeName": rng.choice([None, "a"]),
        "readyReplicas": rng.choice([None, 0, 1, 5]),
        "updatedReplicas": rng.choice([None, 0, 1, 5]),
        "observedGeneration": rng.choice([0, 1, 5]),
        "initContainerStatuses": rng.choice(
            [None, [], [{"name": "trainer"}], [{"name": "trainer", "state": None}],
             [{"name": "trainer", "state": {"terminated": {"exitCode": 1, "message": "{"}}}],
             [{"name": "data-fetcher", "state": {"waiting": {}},
               "lastState": {"terminated": {"exitCode": 3}}}],
             [{"name": "trainer", "state": {"running": {"startedAt": "odd"}},
               "lastState": {"terminated": {"exitCode": 3}}}]]
        ),
    }  # fmt: skip


def _odd_observed(rng: random.Random) -> Observed:
    base = rng.choice([tuning_workspace, inference_workspace])()
    manifest = stored(base, finalizers=rng.choice([None, [], ["workspace.finalizer.kaito.sh"]]))
    if rng.random() < 0.2:
        manifest["metadata"]["deletionTimestamp"] = "2026-01-01T11:00:00Z"
    manifest["status"] = rng.choice(
        [None, {}, {"adapter": {}}, {"workerNodes": ["a"], "targetNodeCount": 2}, {"state": "Odd"},
         {"conditions": [{"type": "WorkspaceReady", "status": "True", "reason": "x"}]}]
    )  # fmt: skip

    def maybe(value: Any) -> Any:
        return value if rng.random() < 0.5 else None

    def workload() -> Manifest:
        return {
            "metadata": {"name": "ws", "uid": "w", "annotations": maybe({})},
            "spec": rng.choice([{}, {"replicas": 1}, {"replicas": None}]),
            "status": _odd_status(rng),
        }

    def with_status(given: Manifest) -> Manifest:
        return {**given, "status": _odd_status(rng)}

    roles = ("data-check", "tuning", "inference")
    claims = tuple(
        claim(i, deleting=rng.random() < 0.3, Ready=rng.choice(["True", "False/X/y", "Unknown//z"]))
        for i in range(rng.randrange(3))
    )
    return observation(
        manifest,
        settings=settings(node_provisioner=rng.choice(["machine", "nodeclaim", "nodepool", "byo"])),
        claims=claims,
        nodes=tuple(with_status(n) for n in (own_node("a"), node("b"))[: rng.randrange(3)]),
        pods=tuple(with_status(pod(rng.choice(roles), owner_uid="w"))
                   for _ in range(rng.randrange(3))),
        data_check=maybe(workload()),
        job=maybe(workload()),
        deployment=maybe(workload()),
        stateful_set=maybe(workload()),
        network_policy=maybe({"metadata": {"name": "ws"}}),
        services=rng.choice([{}, {"ws": {"metadata": {"name": "ws"}}}]),
        file=rng.choice([None, UserFile("n", "c", "k", None), UserFile("n", "c", "k", "odd: [")]),
        secrets=rng.choice([{}, {"a": SecretFact("s", None)}]),
        run=rng.choice([None, TuningRun(state="ODD"), TuningRun(state="RUNNING")]),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(300))
def test_malformed_observations_get_a_plan(seed: int) -> None:
    plan = decide(_odd_observed(random.Random(seed)))
    assert plan.requeue_after_seconds is None or plan.requeue_after_seconds > 0
    if plan.status is not None:
        assert all(c["reason"] for c in plan.status["conditions"] if c["type"] != "Ready")


@pytest.mark.parametrize("seed", range(50))
def test_same_observation_gives_the_same_plan(seed: int) -> None:
    one, two = (decide(_odd_observed(random.Random(seed))) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("value", ODD, ids=[repr(value) for value in ODD])
@pytest.mark.parametrize("part", ["resource", "inference", "tuning"])
def test_malformed_parts_of_a_manifest_get_a_plan(part: str, value: Any) -> None:
    assert decide(observation(stored({**tuning_workspace(), part: value}))) is not None
