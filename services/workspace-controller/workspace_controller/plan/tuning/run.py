"""The tuning Job: when it is made, made anew, and what it has come to."""

from dataclasses import dataclass
from enum import Enum

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_kube.kinds import CONFIG_MAP, JOB, Manifest, is_being_deleted
from workspace_controller.manifests.tuning_job import (
    FETCHER,
    PUSHER,
    TRAINER,
    TuningPod,
    config_map,
    job,
)
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan.model_source import model_source
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.placement import placement
from workspace_controller.plan.plan import Action, Apply, Create, Delete, earliest
from workspace_controller.plan.pods.failure import Failure, pod_failure
from workspace_controller.plan.pods.status import container_state
from workspace_controller.plan.tuning.adapter import TunedAdapter, tuned_adapter
from workspace_controller.plan.tuning.job import is_current_job, job_failure, job_pods


class Phase(Enum):
    """Where a tuning is. Only DONE lets a model be served."""

    WAITING = "waiting"
    FETCHING = "fetching the data set"
    TRAINING = "training"
    PUSHING = "pushing the adapter"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan:
    actions: tuple[Action, ...] = ()
    phase: Phase
    job_started: Condition
    succeeded: Condition
    adapter: TunedAdapter | None = None
    run: TuningRun | None = None
    failed: bool = False
    requeue_after_seconds: float | None = None


def decide_tuning(
    observed: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: NodePlan
) -> TuningPlan:
    adapter = tuned_adapter(observed, tuning)
    if adapter is not None:
        return _done(adapter)
    actions = _steps(observed, spec, tuning, nodes)
    if (
        observed.job is None
        or not is_current_job(observed, tuning)
        or is_being_deleted(observed.job)
    ):
        return _waiting(actions, nodes)
    return _running(observed, observed.job, actions)


def _steps(
    observed: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: NodePlan
) -> tuple[Action, ...]:
    if observed.job is not None:
        stale = not is_current_job(observed, tuning) and not is_being_deleted(observed.job)
        return (Delete(JOB, observed.owner.name, observed.owner.namespace),) if stale else ()
    source = model_source(observed, tuning.preset)
    if not nodes.ready or source is None or observed.file is None or observed.file.text is None:
        return ()
    made = TuningPod(
        owner=observed.owner,
        tuning=tuning,
        model=source,
        config=observed.file.text,
        placement=placement(observed, spec),
        settings=observed.settings,
    )
    text = config_map(observed.owner, observed.file.text)
    return (Apply(CONFIG_MAP, text, known=False), Create(JOB, job(made)))


def _done(adapter: TunedAdapter) -> TuningPlan:
    message = f"adapter {adapter.reference or 'in its volume'}"
    return TuningPlan(
        phase=Phase.DONE,
        job_started=true(condition_types.JOB_STARTED, Reason.TUNING_SUCCEEDED, message),
        succeeded=true(condition_types.TUNING_SUCCEEDED, Reason.TUNING_SUCCEEDED, message),
        adapter=adapter,
    )


def _waiting(actions: tuple[Action, ...], nodes: NodePlan) -> TuningPlan:
    message = "the training pod is being made" if nodes.ready else "waiting for the node"
    return TuningPlan(
        actions=actions,
        phase=Phase.WAITING,
        job_started=unknown(condition_types.JOB_STARTED, Reason.TUNING_PENDING, message),
        succeeded=unknown(condition_types.TUNING_SUCCEEDED, Reason.TUNING_PENDING, message),
    )


def _running(observed: Observed, running: Manifest, actions: tuple[Action, ...]) -> TuningPlan:
    found = job_pods(observed, running)
    pod = found[0] if found else None
    failure = pod_failure(pod, observed.now) if pod is not None else None
    phase = _phase(pod)
    again = failure.requeue_after_seconds if failure is not None else None
    if phase in (Phase.TRAINING, Phase.PUSHING):
        again = earliest(again, observed.settings.progress_seconds)
    told = failure if isinstance(failure, Failure) else job_failure(running)
    return TuningPlan(
        actions=actions,
        phase=phase,
        job_started=_job_started(phase, told),
        succeeded=_succeeded(phase, told),
        run=observed.run,
        failed=told is not None and told.permanent,
        requeue_after_seconds=again,
    )


def _phase(pod: Manifest | None) -> Phase:
    if pod is None:
        return Phase.WAITING
    order = ((PUSHER, Phase.PUSHING), (TRAINER, Phase.TRAINING), (FETCHER, Phase.FETCHING))
    for name, phase in order:
        if _began(container_state(pod, name)):
            return phase
    return Phase.WAITING


def _began(state: Manifest) -> bool:
    waiting = (state.get("waiting") or {}).get("reason")
    return "running" in state or "terminated" in state or waiting == "CrashLoopBackOff"


def _job_started(phase: Phase, failure: Failure | None) -> Condition:
    if phase is not Phase.WAITING:
        return true(condition_types.JOB_STARTED, Reason.TUNING_RUNNING, phase.value)
    if failure is not None:
        return false(condition_types.JOB_STARTED, failure.reason, failure.message)
    return unknown(
        condition_types.JOB_STARTED, Reason.TUNING_PENDING, "the training pod is being started"
    )


def _succeeded(phase: Phase, failure: Failure | None) -> Condition:
    if failure is not None:
        return false(condition_types.TUNING_SUCCEEDED, failure.reason, failure.message)
    reason = Reason.TUNING_PENDING if phase is Phase.WAITING else Reason.TUNING_RUNNING
    return unknown(condition_types.TUNING_SUCCEEDED, reason, phase.value)
