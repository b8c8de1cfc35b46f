"""What a queue of Kueue changes in the plan of a run, and what it leaves as it is."""

from dataclasses import replace
from typing import Any

import pytest

from kaito_api import labels
from kaito_kube.kinds import JOB, Manifest
from tests.workspace_controller.given import (
    claim,
    conditions_by_type,
    inference_workspace,
    node,
    own_node,
    pod,
    resource,
    settings,
    stored,
    tuning_workspace,
)
from tests.workspace_controller.plan.tuning.test_run import COMPLETE, a_job, seen
from workspace_controller.observed import Observed
from workspace_controller.plan.decide import decide
from workspace_controller.plan.plan import Create, Delete, Plan
from workspace_controller.settings import NodeProvisioner

QUEUE = {labels.QUEUE: "gpus"}


def waiting(queue: str | None = "gpus", **changes: Any) -> Observed:
    """A Workspace in that queue, whose data needs no check."""
    has = {labels.QUEUE: queue} if queue is not None else {}
    manifest = tuning_workspace(metadata={"labels": has})
    given = {"nodes": (), "claims": (), "settings": settings(data_check=False)}
    return seen(manifest, **{**given, **changes})


def suspended(queue: str | None = "gpus", **spec: Any) -> Manifest:
    job = a_job()
    job["metadata"]["labels"] = {labels.QUEUE: queue} if queue is not None else {}
    return {**job, "spec": {"suspend": True, **spec}}


def steps(plan: Plan) -> list[str]:
    return [f"{type(a).__name__.lower()} {a.kind}" for a in plan.actions]


def job_of(plan: Plan) -> Manifest:
    (job,) = [a.manifest for a in plan.actions if isinstance(a, Create) and a.kind is JOB]
    return job


def test_the_job_comes_before_the_nodes() -> None:
    plan = decide(waiting())
    assert "create Machine" not in steps(plan)
    assert job_of(plan)["spec"]["suspend"] is True
    assert job_of(plan)["metadata"]["labels"][labels.QUEUE] == "gpus"
    # The pods are Kueue's to label.
    assert labels.QUEUE not in str(job_of(plan)["spec"]["template"])


def test_without_the_label_nothing_changes() -> None:
    plan = decide(waiting(None))
    assert steps(plan) == ["create Machine"]
    ready = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}
    job = job_of(decide(waiting(None, **ready)))
    assert "suspend" not in job["spec"]
    assert labels.QUEUE not in job["metadata"]["labels"]


def test_a_priority_alone_is_no_queue() -> None:
    manifest = tuning_workspace(metadata={"labels": {labels.QUEUE_PRIORITY: "high"}})
    plan = decide(seen(manifest, nodes=(), claims=(), settings=settings(data_check=False)))
    assert steps(plan) == ["create Machine"]


def test_a_model_that_is_only_served_is_not_queued() -> None:
    manifest = stored(inference_workspace(metadata={"labels": QUEUE}))
    assert steps(decide(seen(manifest, nodes=(), claims=()))) == ["create Machine"]


def test_a_price_over_the_limit_queues_nothing() -> None:
    limit = {labels.MAX_PRICE_PER_HOUR: "0.01"}
    manifest = tuning_workspace(metadata={"labels": QUEUE}, annotations=limit)
    plan = decide(seen(manifest, nodes=(), claims=(), settings=settings(data_check=False)))
    assert "create Job" not in steps(plan)
    assert plan.status is not None and plan.status["state"] != "Queued"


ADMITTED = {**a_job(), "spec": {"suspend": False}}
TRAINS = pod("tuning")
# The Job keeps it, and deletes only pods that run when it is suspended.
EVICTED = pod("tuning", name="ws-0", phase="Failed", reason="Evicted")


@pytest.mark.parametrize(
    ("observed", "machines"),
    [
        (waiting(job=suspended()), []),
        (waiting(job=ADMITTED), ["create Machine"]),
        (waiting(job=suspended(), claims=(claim(0),)), ["delete Machine"]),
        (waiting(job=suspended(), claims=(claim(0),), pods=(TRAINS,)), []),
        (waiting(job=suspended(), claims=(claim(0, deleting=True),)), []),
        (waiting(job=suspended(), claims=(claim(0),), pods=(EVICTED,)), ["delete Machine"]),
        (waiting(job=suspended(), claims=(claim(0),), pods=(EVICTED, TRAINS)), []),
    ],
    ids=[
        "waits",
        "admitted",
        "lost its place",
        "its pods are going",
        "its nodes are going",
        "a pod was evicted long ago",
        "another pod was evicted long ago",
    ],
)
def test_nodes_are_there_as_long_as_the_run_is_admitted(
    observed: Observed, machines: list[str]
) -> None:
    assert [step for step in steps(decide(observed)) if step.endswith("Machine")] == machines


@pytest.mark.parametrize(
    ("job", "queue", "replaced"),
    [
        (suspended(), "gpus", False),
        (suspended(), "other", True),
        (suspended(), None, True),
        (suspended(None), None, False),
        (suspended(None), "gpus", True),
        # Kueue itself has put it on a Job without one, and would do so again.
        (suspended("default"), None, False),
        (suspended("default"), "gpus", True),
        (suspended(), "default", True),
        ({**suspended(), "spec": {"suspend": False}}, "other", False),
    ],
)
def test_a_run_that_waits_moves_with_the_label(
    job: Manifest, queue: str | None, replaced: bool
) -> None:
    plan = decide(waiting(queue, job=job))
    gone = [a.name for a in plan.actions if isinstance(a, Delete) and a.kind is JOB]
    assert gone == (["ws"] if replaced else [])


@pytest.mark.parametrize("provisioner", NodeProvisioner)
@pytest.mark.parametrize("job", [None, suspended()], ids=["no Job", "suspended"])
def test_a_run_that_waits_keeps_no_free_node_from_others(
    provisioner: NodeProvisioner, job: Manifest | None
) -> None:
    """The one that is admitted may need it, and has the quota that this one waits for."""
    given = settings(data_check=False, node_provisioner=provisioner)
    wanted = resource(instanceType=None) if provisioner is NodeProvisioner.BYO else resource()
    manifest = tuning_workspace(metadata={"labels": QUEUE}, resource=wanted)
    observed = seen(manifest, job=job, nodes=(node("free"),), claims=(), settings=given)
    plan = decide(observed)
    assert plan.worker_nodes == ()
    assert conditions_by_type(plan.status)["NodesReady"] == "False/Queued"
    assert decide(replace(observed, pods=(TRAINS,))).worker_nodes == ("free",)
    assert decide(replace(observed, job=ADMITTED)).worker_nodes == ("free",)


def test_the_volume_of_a_run_stays_when_it_moves() -> None:
    results = {"name": "results", "persistentVolumeClaim": {"claimName": "ws.results-1"}}
    template = {"spec": {"volumes": [results]}}
    plan = decide(waiting("other", job=suspended(template=template)))
    assert [a.kind for a in plan.actions if isinstance(a, Delete)] == [JOB]


def test_a_run_that_has_ended_is_not_queued() -> None:
    done = {**suspended(), "status": COMPLETE, "spec": {"suspend": False}}
    # For the model, which is not queued.
    assert steps(decide(waiting(job=done))) == ["create Machine"]


def test_what_the_user_reads() -> None:
    plan = decide(waiting(job=suspended()))
    assert plan.status is not None
    assert plan.status["state"] == "Queued"
    message = (
        "the run waits in queue gpus, and no node is requested before Kueue admits it: kubectl get "
        "workloads -n team shows its turn, and kubectl get localqueue gpus -n team whether there "
        "is such a queue"
    )
    messages = {c["type"]: c["message"] for c in plan.status["conditions"]}
    for type_ in ("MachineReady", "NodesReady", "ResourceReady", "JobStarted", "TuningSucceeded"):
        assert messages[type_] == message
    (event,) = [e for e in plan.events if e.reason == "Queued"]
    assert not event.warning
