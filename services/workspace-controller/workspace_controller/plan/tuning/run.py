"""Decides about the tuning Job: when it is created or replaced, and what it reports."""

from dataclasses import dataclass, field, replace

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_kube.kinds import CONFIG_MAP, JOB, Manifest, is_being_deleted, labels_of
from workspace_controller.manifests.queue import queue_labels, queued
from workspace_controller.manifests.spread import spread_of
from workspace_controller.manifests.tuning_job import config_map, job
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Create, Delete, earliest
from workspace_controller.plan.pods.forbidden import LOOK_AGAIN_SECONDS, creation_failure
from workspace_controller.plan.tuning.adapter import TunedAdapter, tuned_adapter
from workspace_controller.plan.tuning.check_plan import DataCheckPlan
from workspace_controller.plan.tuning.conditions import (
    job_started_condition,
    succeeded_condition,
)
from workspace_controller.plan.tuning.job import (
    is_current_job,
    job_failure,
    makes_adapter,
    pods_by_index,
)
from workspace_controller.plan.tuning.phase import Phase, phase_of_nodes
from workspace_controller.plan.tuning.pod import tuning_pod
from workspace_controller.plan.tuning.queue import (
    is_in_another_queue,
    queue_message,
    unless_nodes_are_new,
)
from workspace_controller.plan.tuning.report import run_report
from workspace_controller.plan.tuning.run_failure import run_failure
from workspace_controller.plan.tuning.storage import (
    checkpoints_condition,
    new_claim,
    unneeded_claim,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningPlan:
    """`job_started` and `succeeded` are conditions; `adapter` is None until it is produced.

    `checkpoints` is the condition about them; None once they are not needed.
    `run` is the answer of this moment, `report` all that the run has reported.
    """

    actions: tuple[Action, ...] = ()
    phase: Phase
    job_started: Condition
    succeeded: Condition
    checkpoints: Condition | None = None
    adapter: TunedAdapter | None = None
    run: TuningRun | None = None
    report: Manifest = field(default_factory=dict)
    failed: bool = False
    requeue_after_seconds: float | None = None


def decide_tuning(
    observed: Observed,
    spec: WorkspaceSpec,
    tuning: Tuning,
    nodes: NodePlan,
    check: DataCheckPlan | None = None,
) -> TuningPlan:
    """Creates the Job once the nodes are ready, and replaces a Job of an earlier spec.

    Before it runs, a failure that the `check` of the data found is the run's.
    """
    adapter = tuned_adapter(observed, tuning)
    if adapter is not None:
        return _done(observed, adapter)
    if observed.adopted_job is not None:
        return _adopted(observed, observed.adopted_job)
    actions = _job_actions(observed, spec, tuning, nodes)
    running = observed.job
    if nodes.queued:
        plan = _queued(observed, actions)
    elif running is None or not is_current_job(observed, tuning) or is_being_deleted(running):
        plan = _waiting(actions, nodes, check)
    else:
        plan = _running(observed, running, actions, nodes)
    return replace(plan, checkpoints=checkpoints_condition(observed, tuning, nodes.target))


def _job_actions(
    observed: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: NodePlan
) -> tuple[Action, ...]:
    owner = observed.owner
    if observed.job is not None:
        if is_being_deleted(observed.job):
            return ()
        gone = Delete(JOB, owner.name, owner.namespace)
        if not is_current_job(observed, tuning):
            return (gone, *unneeded_claim(observed, observed.job))
        return (gone,) if is_in_another_queue(observed, observed.job) else ()
    claim = new_claim(observed, nodes.target) if tuning.output.volume_source is None else None
    name = claim.manifest["metadata"]["name"] if claim is not None else ""
    starts = nodes.ready or nodes.queued
    pod = tuning_pod(observed, spec, tuning, name) if starts else None
    if pod is None:
        return ()
    config = config_map(owner, pod.config)
    return (
        Apply(CONFIG_MAP, config, verify_owner=True),
        *((claim,) if claim is not None else ()),
        Create(JOB, queued(job(pod), queue_labels(observed.workspace))),
    )


def _done(observed: Observed, adapter: TunedAdapter) -> TuningPlan:
    message = f"the adapter is in {adapter.place}"
    return TuningPlan(
        actions=_cleanup(observed, adapter),
        phase=Phase.DONE,
        job_started=true(condition_types.JOB_STARTED, Reason.TUNING_SUCCEEDED, message),
        succeeded=true(condition_types.TUNING_SUCCEEDED, Reason.TUNING_SUCCEEDED, message),
        adapter=adapter,
    )


def _cleanup(observed: Observed, adapter: TunedAdapter) -> tuple[Action, ...]:
    """The volume goes once: afterwards the status says nothing about checkpoints any more.

    A spec that goes back to what is tuned already leaves the Job of the one between: it would keep
    the GPU that the model needs.
    """
    job = observed.job
    if job is None or is_being_deleted(job):
        return ()
    if not makes_adapter(job, adapter.revision):
        gone = Delete(JOB, observed.owner.name, observed.owner.namespace)
        return (gone, *unneeded_claim(observed, job))
    return unneeded_claim(observed, job) if _says_where_checkpoints_are(observed) else ()


def _says_where_checkpoints_are(observed: Observed) -> bool:
    return bool(observed.condition(condition_types.CHECKPOINTS_KEPT))


def _waiting(
    actions: tuple[Action, ...], nodes: NodePlan, check: DataCheckPlan | None
) -> TuningPlan:
    message = "creating the tuning Job" if nodes.ready else "waiting for the node"
    if check is not None and check.holds_nodes:
        message = "waiting for the check of the data"
    type_, failure = condition_types.TUNING_SUCCEEDED, check.failure if check is not None else None
    succeeded = unknown(type_, Reason.TUNING_PENDING, message)
    if failure is not None:
        succeeded = false(type_, failure.reason, failure.message)
    return TuningPlan(
        actions=actions,
        phase=Phase.WAITING,
        job_started=unknown(condition_types.JOB_STARTED, Reason.TUNING_PENDING, message),
        succeeded=succeeded,
        failed=failure is not None and failure.permanent,
    )


def _adopted(observed: Observed, job: Manifest) -> TuningPlan:
    """KAITO's Job runs to its end. One whose adapter was recorded is of an earlier spec."""
    name, namespace = observed.owner.name, observed.owner.namespace
    kaitos = f"Job {name}, which KAITO created,"
    if observed.status.get("adapter"):
        message = f"deleting {kaitos} to train what the Workspace says now"
        return TuningPlan(
            actions=() if is_being_deleted(job) else (Delete(JOB, name, namespace),),
            phase=Phase.WAITING,
            job_started=unknown(condition_types.JOB_STARTED, Reason.TUNING_PENDING, message),
            succeeded=unknown(condition_types.TUNING_SUCCEEDED, Reason.TUNING_PENDING, message),
        )
    message = f"{kaitos} is training: kubectl logs job/{name} -n {namespace} shows its progress"
    succeeded = unknown(condition_types.TUNING_SUCCEEDED, Reason.TUNING_RUNNING, message)
    if (failure := job_failure(job)) is not None:
        message = (
            f"{kaitos} has failed: {failure.message}; to train with this release, kubectl delete "
            f"job {name} -n {namespace}"
        )
        succeeded = false(condition_types.TUNING_SUCCEEDED, failure.reason, message)
    return TuningPlan(
        phase=Phase.TRAINING,
        job_started=true(condition_types.JOB_STARTED, Reason.TUNING_RUNNING, message),
        succeeded=succeeded,
        failed=failure is not None,
    )


def _queued(observed: Observed, actions: tuple[Action, ...]) -> TuningPlan:
    message = queue_message(observed)
    return TuningPlan(
        actions=actions,
        phase=Phase.WAITING,
        job_started=unknown(condition_types.JOB_STARTED, Reason.QUEUED, message),
        succeeded=unknown(condition_types.TUNING_SUCCEEDED, Reason.QUEUED, message),
    )


def _running(
    observed: Observed, running: Manifest, actions: tuple[Action, ...], nodes_plan: NodePlan
) -> TuningPlan:
    pods, nodes = pods_by_index(observed, running), spread_of(running).nodes
    found = run_failure(pods, observed.now)
    if labels.QUEUE in labels_of(running):
        found = unless_nodes_are_new(found, observed, nodes_plan)
    requeue_after_seconds = found.requeue_after_seconds if found is not None else None
    if len(pods) < nodes:
        found = found or creation_failure(observed, running)
        requeue_after_seconds = earliest(requeue_after_seconds, LOOK_AGAIN_SECONDS)
    phase = phase_of_nodes(pods, nodes)
    if phase in (Phase.TRAINING, Phase.PUSHING):
        # The run reports its progress when it is asked, and changes no object meanwhile.
        progress_seconds = observed.settings.progress_seconds
        requeue_after_seconds = earliest(requeue_after_seconds, progress_seconds)
    failure = found if isinstance(found, Failure) else job_failure(running)
    return TuningPlan(
        actions=actions,
        phase=phase,
        job_started=job_started_condition(phase, failure),
        succeeded=succeeded_condition(observed, phase, failure),
        run=observed.run,
        report=run_report(observed),
        failed=failure is not None and failure.permanent,
        requeue_after_seconds=requeue_after_seconds,
    )
