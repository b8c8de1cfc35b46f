"""Decides about the check of a run's data and output, and whether nodes wait for it.

What is wrong with the data, or with the registry, shows on any node. A GPU node costs money from
the moment that it is requested, so both are checked first wherever an ordinary node can do that.
"""

from dataclasses import dataclass

from kaito_api import condition_types, labels
from kaito_api.conditions import Condition, ConditionStatus, false, true, unknown
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_kube.kinds import CONFIG_MAP, JOB, Manifest, is_being_deleted
from workspace_controller.manifests.data_check import data_check, data_check_name
from workspace_controller.manifests.tuning_job import config_map
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Action, Apply, Create, Delete
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.check_verdict import (
    OBSTRUCTED_SECONDS,
    Impossible,
    Passed,
    Refused,
    Running,
    Verdict,
    read_verdict,
    seconds_since,
)
from workspace_controller.plan.tuning.job import has_condition, is_current, is_current_job
from workspace_controller.plan.tuning.pod import tuning_pod

# A ConfigMap that the user corrects is not watched, so a check that failed polls for it.
_CONFIG_REQUEUE_SECONDS = 10.0
# The status that a pass writes does not trigger the next pass.
_DELETION_REQUEUE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCheckPlan:
    """`condition` is DataChecked; None while there is nothing to report.

    While the plan `holds_nodes`, none is requested. `failure` is what keeps the run from
    succeeding.
    """

    actions: tuple[Action, ...] = ()
    condition: Condition | None = None
    failure: Failure | None = None
    holds_nodes: bool = False
    requeue_after_seconds: float | None = None


def decide_data_check(
    observed: Observed, spec: WorkspaceSpec, nodes: NodePlan
) -> DataCheckPlan | None:
    """The check is created before the first node is requested, and kept once it has passed.

    None where there is nothing to check: not a tuning Workspace, nodes that exist already, or a
    run that has started.
    """
    if spec.tuning is None:
        return None
    waits = nodes.requests_nodes and _wants_check(observed, spec.tuning)
    check = observed.data_check
    if check is None:
        return _creation(observed, spec, spec.tuning) if waits else None
    if is_being_deleted(check):
        return DataCheckPlan(holds_nodes=waits)
    if not _is_useful(observed, spec.tuning, check):
        return _deletion(observed, waits)
    return _judged(read_verdict(observed, spec.tuning, check), waits)


def _wants_check(observed: Observed, tuning: Tuning) -> bool:
    """Whether data is to be checked that no run reads yet."""
    return (
        observed.settings.data_check
        and observed.annotations.get(labels.DATA_CHECK, "").casefold() != "false"
        # A volume can be bound to a zone or a node, and to one pod at a time.
        and tuning.input.volume_source is None
        and tuned_adapter(observed, tuning) is None
        and not is_current_job(observed, tuning)
    )


def _is_useful(observed: Observed, tuning: Tuning, check: Manifest) -> bool:
    """Whether the Job is kept: it checks the current data, and no run has begun to do so."""
    return is_current(observed, check, tuning) and (
        has_condition(check, "Complete") or _wants_check(observed, tuning)
    )


def _creation(observed: Observed, spec: WorkspaceSpec, tuning: Tuning) -> DataCheckPlan | None:
    """A quota or a policy can refuse the Job, so it is tried for a limited time."""
    if _seconds_without_verdict(observed) > OBSTRUCTED_SECONDS:
        return _judged(Impossible("the Job of the check cannot be created"), waits=True)
    pod = tuning_pod(observed, spec, tuning)
    if pod is None:
        return None
    config = config_map(pod.owner, pod.config)
    return DataCheckPlan(
        actions=(Apply(CONFIG_MAP, config, verify_owner=True), Create(JOB, data_check(pod))),
        condition=_running(""),
        holds_nodes=True,
    )


def _deletion(observed: Observed, waits: bool) -> DataCheckPlan:
    """The condition goes first: its time is that of the next check, which must have its own."""
    if observed.condition(condition_types.DATA_CHECKED):
        return DataCheckPlan(holds_nodes=waits, requeue_after_seconds=_DELETION_REQUEUE_SECONDS)
    owner = observed.owner
    delete = Delete(JOB, data_check_name(owner), owner.namespace)
    return DataCheckPlan(actions=(delete,), holds_nodes=waits)


def _seconds_without_verdict(observed: Observed) -> float:
    """For how long the status has said that the data is being checked."""
    before = observed.condition(condition_types.DATA_CHECKED)
    if before.get("status") != ConditionStatus.UNKNOWN:
        return 0.0
    return seconds_since(before.get("lastTransitionTime"), observed.now)


def _judged(verdict: Verdict, waits: bool) -> DataCheckPlan:
    type_ = condition_types.DATA_CHECKED
    match verdict:
        case Passed():
            return DataCheckPlan(condition=_passed(verdict.summary))
        case Refused():
            return DataCheckPlan(
                condition=_running("") if verdict.summary is None else _passed(verdict.summary),
                failure=verdict.failure,
                holds_nodes=waits,
                requeue_after_seconds=_CONFIG_REQUEUE_SECONDS,
            )
        case Failure():
            return DataCheckPlan(
                condition=false(type_, verdict.reason, verdict.message),
                failure=verdict,
                holds_nodes=waits,
                requeue_after_seconds=_CONFIG_REQUEUE_SECONDS,
            )
        case Running():
            return DataCheckPlan(
                condition=_running(verdict.obstacle),
                holds_nodes=waits,
                requeue_after_seconds=verdict.remaining_seconds,
            )
        case Impossible():
            message = (
                f"{verdict.why}; nodes are requested without the check, and the data-fetcher of "
                "the tuning Job checks the data instead"
            )
            return DataCheckPlan(condition=unknown(type_, Reason.DATA_CHECK_SKIPPED, message))


def _passed(summary: str) -> Condition:
    message = ": ".join(filter(None, ("the data can be trained on", summary)))
    return true(condition_types.DATA_CHECKED, Reason.DATA_CHECKED, message)


def _running(obstacle: str) -> Condition:
    message = "checking the data before nodes are requested"
    message = f"{message}: {obstacle}" if obstacle else message
    return unknown(condition_types.DATA_CHECKED, Reason.DATA_CHECK_RUNNING, message)
