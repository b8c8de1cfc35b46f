"""The tuning Job: created, kept or replaced, and what its pods report."""

import json
from typing import Any

import pytest

from kaito_api.workspace import Tuning
from kaito_kube.kinds import CONFIG_MAP, JOB, Manifest
from tests.workspace_controller.given import (
    CONFIG,
    DIGEST,
    claim,
    container,
    observation,
    own_node,
    pod,
    stored,
    tuning,
    tuning_workspace,
)
from workspace_controller.manifests.tuning_revision import adapter_revision, job_revision
from workspace_controller.observed import Observed, TuningRun, UserFile
from workspace_controller.plan.nodes.provisioning import decide_nodes
from workspace_controller.plan.plan import Apply, Create, Delete
from workspace_controller.plan.tuning.adapter import TunedAdapter, tuned_adapter
from workspace_controller.plan.tuning.job import progress_pod
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.run import TuningPlan, decide_tuning

SPEC = Tuning.model_validate(tuning())
CURRENT = job_revision(SPEC, CONFIG)
NODE = {"nodes": (own_node(),), "claims": (claim(0, Ready="True/Ready/"),)}
DONE = {"exitCode": 0}
RUNS = {"startedAt": "2026-01-01T11:00:00Z"}


def a_job(revision: str = CURRENT, deleting: bool = False, **status: Any) -> Manifest:
    metadata: Manifest = {
        "name": "ws",
        "uid": "job-1",
        "annotations": {"workspace.kaito.io/revision": revision},
    }
    if deleting:
        metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    return {"metadata": metadata, "status": status}


def seen(manifest: Manifest | None = None, **changes: Any) -> Observed:
    return observation(stored(manifest or tuning_workspace()), **{**NODE, **changes})


def decided(observed: Observed) -> TuningPlan:
    assert observed.spec is not None and observed.spec.tuning is not None
    return decide_tuning(
        observed, observed.spec, observed.spec.tuning, decide_nodes(observed, observed.spec, 1)
    )


def running(*states: Manifest, **status: Any) -> Manifest:
    names = ("data-fetcher", "trainer", "pusher")
    found = [container(n, **s) for n, s in zip(names, states, strict=False)]
    return pod("tuning", initContainerStatuses=found[:2], containerStatuses=found[2:], **status)


FETCHES = running({"running": RUNS})
TRAINS = running({"terminated": DONE}, {"running": RUNS}, podIP="10.0.0.7")
PUSHES = running({"terminated": DONE}, {"terminated": DONE}, {"running": RUNS}, podIP="10.0.0.7")


def pushed(**report: Any) -> Manifest:
    last = {**DONE, "message": json.dumps(report)}
    return running({"terminated": DONE}, {"terminated": DONE}, {"terminated": last})


STEPS = {
    "nothing before the node is there": (seen(nodes=()), []),
    "configuration first, then the Job": (seen(), ["apply ConfigMap", "create Job"]),
    "nothing while it runs": (seen(job=a_job(), pods=(TRAINS,)), []),
    "nothing while the node is away": (seen(job=a_job(), nodes=()), []),
    "another Job for another input": (seen(job=a_job("old-1")), ["delete Job"]),
    "another Job for a changed user configuration": (
        seen(
            tuning_workspace(tuning=tuning(config="mine")),
            job=a_job(job_revision(Tuning.model_validate(tuning(config="mine")), CONFIG)),
            file=UserFile("n", "mine", "k", "training_config: {}"),
        ),
        ["delete Job"],
    ),
    "none while the configuration cannot be read": (
        seen(job=a_job(), file=UserFile("n", "c", "k", None)),
        [],
    ),
    "wait until the old one is gone": (seen(job=a_job("old-1", deleting=True)), []),
    "nothing when the adapter is there": (
        seen(job=a_job(conditions=[{"type": "Complete", "status": "True"}])),
        [],
    ),
}


@pytest.mark.parametrize(("observed", "actions"), STEPS.values(), ids=STEPS)
def test_job_is_created_kept_or_replaced(observed: Observed, actions: list[str]) -> None:
    assert [f"{type(s).__name__.lower()} {s.kind}" for s in decided(observed).actions] == actions


def test_created_job_carries_the_current_revision() -> None:
    config, job = decided(seen()).actions
    assert isinstance(config, Apply) and config.kind is CONFIG_MAP
    assert isinstance(job, Create) and job.kind is JOB
    assert job.manifest["metadata"]["annotations"]["workspace.kaito.io/revision"] == CURRENT
    assert not isinstance(config, Delete)


PHASES = {
    "no pod yet": ((), Phase.WAITING, "Unknown/TuningPending"),
    "pod not started": ((pod("tuning"),), Phase.WAITING, "Unknown/TuningPending"),
    "fetching": ((FETCHES,), Phase.FETCHING, "True/TuningRunning"),
    "training": ((TRAINS,), Phase.TRAINING, "True/TuningRunning"),
    "pushing": ((PUSHES,), Phase.PUSHING, "True/TuningRunning"),
    "pod of an earlier Job": (
        (
            pod(
                "tuning",
                owner_uid="job-0",
                initContainerStatuses=[container("trainer", running={})],
            ),
        ),
        Phase.WAITING,
        "Unknown/TuningPending",
    ),
}


@pytest.mark.parametrize(("pods", "phase", "started"), PHASES.values(), ids=PHASES)
def test_phase_follows_the_containers(
    pods: tuple[Manifest, ...], phase: Phase, started: str
) -> None:
    state = decided(seen(job=a_job(), pods=pods))
    assert state.phase is phase
    assert f"{state.job_started.status}/{state.job_started.reason}" == started
    polls = state.requeue_after_seconds == 3.0
    assert polls is (phase in (Phase.TRAINING, Phase.PUSHING))


def test_failed_job_is_a_permanent_failure() -> None:
    failed = {"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}
    state = decided(seen(job=a_job(conditions=[failed])))
    assert state.failed and state.succeeded.reason == "TrainingFailed"


def test_failure_of_the_pod_is_the_failure_of_the_run() -> None:
    last = {"exitCode": 1, "message": json.dumps({"reason": "DataEmpty", "message": "no rows"})}
    crashed = pod(
        "tuning",
        initContainerStatuses=[
            container("data-fetcher", last=last, waiting={"reason": "CrashLoopBackOff"})
        ],
    )
    state = decided(seen(job=a_job(), pods=(crashed,)))
    assert state.failed and state.succeeded.reason == "DataEmpty"
    assert state.job_started.is_true


def test_job_has_not_started_while_an_image_cannot_be_pulled() -> None:
    waits = container("data-fetcher", waiting={"reason": "ErrImagePull", "message": "gone"})
    state = decided(seen(job=a_job(), pods=(pod("tuning", initContainerStatuses=[waits]),)))
    assert state.job_started.reason == "ImagePullFailed" and not state.failed


COMPLETE: dict[str, Any] = {"conditions": [{"type": "Complete", "status": "True"}]}
IMAGE = "registry.local/adapters/phi:1"


def recorded(**adapter: Any) -> Observed:
    manifest = {**tuning_workspace(), "status": {"adapter": adapter}}
    return seen(manifest)


ADAPTERS = {
    "not yet": (seen(job=a_job(), pods=(PUSHES,)), None),
    "as the pusher reported": (
        seen(job=a_job(**COMPLETE), pods=(pushed(image=IMAGE, digest=DIGEST, size=7),)),
        TunedAdapter(IMAGE, DIGEST, adapter_revision(SPEC), 7),
    ),
    "pod of the pusher is gone": (
        seen(job=a_job(**COMPLETE)),
        TunedAdapter(IMAGE, "", adapter_revision(SPEC)),
    ),
    "Job of another adapter": (seen(job=a_job("old-1", **COMPLETE)), None),
    "as recorded": (
        recorded(image=IMAGE, digest=DIGEST, revision=adapter_revision(SPEC), size=7),
        TunedAdapter(IMAGE, DIGEST, adapter_revision(SPEC), 7),
    ),
    "recorded of another input": (recorded(image=IMAGE, digest=DIGEST, revision="old"), None),
}


@pytest.mark.parametrize(("observed", "adapter"), ADAPTERS.values(), ids=ADAPTERS)
def test_adapter_is_found_in_status_or_job(
    observed: Observed, adapter: TunedAdapter | None
) -> None:
    assert tuned_adapter(observed, SPEC) == adapter


@pytest.mark.parametrize(
    ("image", "digest", "reference"),
    [
        ("r/a:1", DIGEST, f"r/a@{DIGEST}"),
        ("r:5000/a/b:1", DIGEST, f"r:5000/a/b@{DIGEST}"),
        (f"r:5000/a:1@{DIGEST}", DIGEST, f"r:5000/a@{DIGEST}"),
        ("r:5000/a", DIGEST, f"r:5000/a@{DIGEST}"),
        ("r/a:1", "", "r/a:1"),
        ("", "", ""),
    ],
)
def test_adapter_is_referred_to_by_digest(image: str, digest: str, reference: str) -> None:
    assert TunedAdapter(image, digest, "x").reference == reference


@pytest.mark.parametrize(
    ("pods", "job", "asked"),
    [
        ((TRAINS,), a_job(), True),
        ((PUSHES,), a_job(), True),
        ((FETCHES,), a_job(), False),
        ((running({"terminated": DONE}, {"running": RUNS}),), a_job(), False),
        ((TRAINS,), None, False),
    ],
    ids=["training", "pushing", "fetching", "no address", "no job"],
)
def test_progress_is_requested_from_the_running_pod(
    pods: tuple[Manifest, ...], job: Manifest | None, asked: bool
) -> None:
    assert (progress_pod(seen(job=job, pods=pods)) is not None) is asked


def test_phase_is_training_until_the_pusher_container_starts() -> None:
    run = TuningRun(state="PUSHING")
    assert decided(seen(job=a_job(), pods=(TRAINS,), run=run)).phase is Phase.TRAINING


FORBIDDEN = 'pods "ws-x" is forbidden: exceeded quota: team-quota, requested: pods=1'


def test_forbidden_pod_of_a_run_is_said_and_looked_at_again() -> None:
    plan = decided(seen(job=a_job(), forbidden_pods={"job-1": FORBIDDEN}))
    for condition in (plan.job_started, plan.succeeded):
        assert (condition.status, condition.reason) == ("False", "PodForbidden")
        assert FORBIDDEN in condition.message and "raise ResourceQuota" in condition.message
    assert not plan.failed and plan.requeue_after_seconds == 10.0


def test_run_goes_on_when_its_pod_is_there() -> None:
    plan = decided(seen(job=a_job(), pods=(FETCHES,), forbidden_pods={}))
    assert plan.job_started.is_true and plan.succeeded.reason == "TuningRunning"


def test_job_without_a_pod_is_looked_at_again() -> None:
    plan = decided(seen(job=a_job()))
    assert plan.job_started.reason == "TuningPending" and plan.requeue_after_seconds == 10.0
