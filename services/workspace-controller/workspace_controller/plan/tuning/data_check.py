"""Decides about the check of a run's data and output, and whether nodes wait for it.

What is wrong with the data, or with the registry, shows on any node. A GPU node costs money from
the moment that it is requested, so both are checked first wherever an ordinary node can do that.
"""

from kaito_api import condition_types, labels
from kaito_api.reasons import Reason
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_kube.kinds import CONFIG_MAP, JOB, Manifest, is_being_deleted
from workspace_controller.manifests.data_check import data_check, data_check_name
from workspace_controller.manifests.tuning_job import config_map
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.plan import Apply, Create, Delete
from workspace_controller.plan.tuning.adapter import tuned_adapter
from workspace_controller.plan.tuning.check_conditions import (
    pending_condition,
    standing_condition,
)
from workspace_controller.plan.tuning.check_plan import (
    STATUS_REQUEUE_SECONDS,
    DataCheckPlan,
    judged,
)
from workspace_controller.plan.tuning.check_verdict import (
    OBSTRUCTED_SECONDS,
    Impossible,
    read_verdict,
    seconds_since,
)
from workspace_controller.plan.tuning.job import has_condition, is_current, is_current_job
from workspace_controller.plan.tuning.pod import tuning_pod


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
    if check is None or is_being_deleted(check):
        return _without_job(observed, spec, spec.tuning, waits)
    if not _is_useful(observed, spec.tuning, check):
        return _deletion(observed, waits)
    return judged(observed, read_verdict(observed, spec.tuning, check), waits)


def _wants_check(observed: Observed, tuning: Tuning) -> bool:
    """Whether data is to be checked that no run reads yet."""
    return (
        observed.settings.data_check
        and observed.annotations.get(labels.DATA_CHECK, "").casefold() != "false"
        # A volume can be bound to a zone or a node, and to one pod at a time.
        and tuning.input.volume_source is None
        and tuned_adapter(observed, tuning) is None
        and not is_current_job(observed, tuning)
        and observed.adopted_job is None
    )


def _is_useful(observed: Observed, tuning: Tuning, check: Manifest) -> bool:
    """Whether the Job is kept: it checks the current data, and no run has begun to do so."""
    return is_current(observed, check, tuning) and (
        has_condition(check, "Complete") or _wants_check(observed, tuning)
    )


def _without_job(
    observed: Observed, spec: WorkspaceSpec, tuning: Tuning, waits: bool
) -> DataCheckPlan | None:
    """There is no Job yet, it is gone, or it goes."""
    wants = _wants_check(observed, tuning)
    standing = standing_condition(observed, tuning)
    if standing is not None and (standing.is_true or wants):
        return DataCheckPlan(condition=standing)
    if observed.data_check is not None:
        return DataCheckPlan(holds_nodes=waits)
    if wants and _is_given_up(observed):
        return judged(observed, Impossible("the Job of the check cannot be created"), waits)
    if not waits:
        return None
    before = observed.condition(condition_types.DATA_CHECKED)
    if before.get("reason") in (Reason.DATA_CHECK_RUNNING, Reason.DATA_CHECK_SKIPPED):
        return _forgotten(waits)
    return _creation(observed, spec, tuning)


def _is_given_up(observed: Observed) -> bool:
    """Whether the API server has refused the Job for too long.

    A quota or a policy can refuse it for good, and must not hold nodes for ever. Where a name is
    taken, the run could not be created either, and the node would cost money for nothing.
    """
    before = observed.condition(condition_types.DATA_CHECKED)
    resource = observed.condition(condition_types.RESOURCE_READY)
    return (
        before.get("reason") == Reason.DATA_CHECK_PENDING
        and seconds_since(before.get("lastTransitionTime"), observed.now) > OBSTRUCTED_SECONDS
        and resource.get("reason") != Reason.NAME_TAKEN
    )


def _creation(observed: Observed, spec: WorkspaceSpec, tuning: Tuning) -> DataCheckPlan | None:
    pod = tuning_pod(observed, spec, tuning)
    if pod is None:
        return None
    config = config_map(pod.owner, pod.config)
    return DataCheckPlan(
        actions=(Apply(CONFIG_MAP, config, verify_owner=True), Create(JOB, data_check(pod))),
        condition=pending_condition(),
        holds_nodes=True,
    )


def _deletion(observed: Observed, waits: bool) -> DataCheckPlan:
    if observed.condition(condition_types.DATA_CHECKED):
        return _forgotten(waits)
    owner = observed.owner
    delete = Delete(JOB, data_check_name(owner), owner.namespace)
    return DataCheckPlan(actions=(delete,), holds_nodes=waits)


def _forgotten(waits: bool) -> DataCheckPlan:
    """The condition goes first: its time is that of the next check, which must have its own."""
    return DataCheckPlan(holds_nodes=waits, requeue_after_seconds=STATUS_REQUEUE_SECONDS)
