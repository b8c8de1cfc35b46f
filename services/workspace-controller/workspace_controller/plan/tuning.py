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
from workspace_controller.plan.nodes import Nodes
from workspace_controller.plan.placement import placing
from workspace_controller.plan.plan import Apply, Create, Delete, Step, soonest
from workspace_controller.plan.pod_failure import Trouble, pod_trouble
from workspace_controller.plan.pod_status import container_state
from workspace_controller.plan.tuned_adapter import TunedAdapter, tuned_adapter
from workspace_controller.plan.tuning_job import is_current_job, job_failure, job_pods


class Phase(Enum):
    """Where a tuning is. Only DONE lets a model be served."""

    WAITING = "waiting"
    FETCHING = "fetching the data set"
    TRAINING = "training"
    PUSHING = "pushing the adapter"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningState:
    steps: tuple[Step, ...] = ()
    phase: Phase
    job_started: Condition
    succeeded: Condition
    adapter: TunedAdapter | None = None
    run: TuningRun | None = None
    failed: bool = False
    requeue_after: float | None = None


def decide_tuning(o: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: Nodes) -> TuningState:
    adapter = tuned_adapter(o, tuning)
    if adapter is not None:
        return _done(adapter)
    steps = _steps(o, spec, tuning, nodes)
    if o.job is None or not is_current_job(o, tuning) or is_being_deleted(o.job):
        return _waiting(steps, nodes)
    return _running(o, o.job, steps)


def _steps(o: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: Nodes) -> tuple[Step, ...]:
    if o.job is not None:
        stale = not is_current_job(o, tuning) and not is_being_deleted(o.job)
        return (Delete(JOB, o.owner.name, o.owner.namespace),) if stale else ()
    source = model_source(o, tuning.preset)
    if not nodes.ready or source is None or o.file is None or o.file.text is None:
        return ()
    made = TuningPod(
        owner=o.owner,
        tuning=tuning,
        model=source,
        config=o.file.text,
        placing=placing(o, spec),
        settings=o.settings,
    )
    text = config_map(o.owner, o.file.text)
    return (Apply(CONFIG_MAP, text, known=False), Create(JOB, job(made)))


def _done(adapter: TunedAdapter) -> TuningState:
    message = f"adapter {adapter.reference or 'in its volume'}"
    return TuningState(
        phase=Phase.DONE,
        job_started=true(condition_types.JOB_STARTED, Reason.TUNING_SUCCEEDED, message),
        succeeded=true(condition_types.TUNING_SUCCEEDED, Reason.TUNING_SUCCEEDED, message),
        adapter=adapter,
    )


def _waiting(steps: tuple[Step, ...], nodes: Nodes) -> TuningState:
    message = "the training pod is being made" if nodes.ready else "waiting for the node"
    return TuningState(
        steps=steps,
        phase=Phase.WAITING,
        job_started=unknown(condition_types.JOB_STARTED, Reason.TUNING_PENDING, message),
        succeeded=unknown(condition_types.TUNING_SUCCEEDED, Reason.TUNING_PENDING, message),
    )


def _running(o: Observed, running: Manifest, steps: tuple[Step, ...]) -> TuningState:
    found = job_pods(o, running)
    pod = found[0] if found else None
    trouble = pod_trouble(pod, o.now) if pod is not None else None
    phase = _phase(pod)
    again = trouble.again_seconds if trouble is not None else None
    if phase in (Phase.TRAINING, Phase.PUSHING):
        again = soonest(again, o.settings.progress_seconds)
    told = trouble if isinstance(trouble, Trouble) else job_failure(running)
    return TuningState(
        steps=steps,
        phase=phase,
        job_started=_job_started(phase, told),
        succeeded=_succeeded(phase, told),
        run=o.run,
        failed=told is not None and told.permanent,
        requeue_after=again,
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


def _job_started(phase: Phase, trouble: Trouble | None) -> Condition:
    if phase is not Phase.WAITING:
        return true(condition_types.JOB_STARTED, Reason.TUNING_RUNNING, phase.value)
    if trouble is not None:
        return false(condition_types.JOB_STARTED, trouble.reason, trouble.message)
    return unknown(
        condition_types.JOB_STARTED, Reason.TUNING_PENDING, "the training pod is being started"
    )


def _succeeded(phase: Phase, trouble: Trouble | None) -> Condition:
    if trouble is not None:
        return false(condition_types.TUNING_SUCCEEDED, trouble.reason, trouble.message)
    reason = Reason.TUNING_PENDING if phase is Phase.WAITING else Reason.TUNING_RUNNING
    return unknown(condition_types.TUNING_SUCCEEDED, reason, phase.value)
