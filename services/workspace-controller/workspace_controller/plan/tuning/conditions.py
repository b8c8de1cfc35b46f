"""The conditions JobStarted and TuningSucceeded of a run that has a Job."""

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.reasons import Reason
from workspace_controller.manifests.spread import ALONE, spread_of
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.nodes.cost import cost_per_hour
from workspace_controller.plan.nodes.sources import requested_nodes
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.report import (
    describe_divergence,
    describe_report,
    run_report,
)


def job_started_condition(phase: Phase, failure: Failure | None) -> Condition:
    """True from the first container on, whether it succeeds or not."""
    type_ = condition_types.JOB_STARTED
    if phase is not Phase.WAITING:
        return true(type_, Reason.TUNING_RUNNING, phase.value)
    if failure is not None:
        return false(type_, failure.reason, failure.message)
    return unknown(type_, Reason.TUNING_PENDING, "starting the training pod")


def succeeded_condition(observed: Observed, phase: Phase, failure: Failure | None) -> Condition:
    """Unknown while the run continues; its message then says how far the run is."""
    type_ = condition_types.TUNING_SUCCEEDED
    if failure is not None:
        kept = f"; {_kept_node(observed)}" if failure.permanent else ""
        return false(type_, failure.reason, f"{failure.message}{kept}")
    if phase is Phase.WAITING:
        return unknown(type_, Reason.TUNING_PENDING, phase.value)
    report = run_report(observed)
    message = phase.value
    if phase is Phase.TRAINING:
        parts = (f"{message}{_shared(observed)}", describe_report(report, observed.run))
        message = ": ".join(filter(None, parts))
    if divergence := describe_divergence(report):
        return unknown(type_, Reason.LOSS_DIVERGES, f"{message}; {divergence}")
    return unknown(type_, Reason.TUNING_RUNNING, message)


def _shared(observed: Observed) -> str:
    """How many processes train, where it is more than one."""
    spread = spread_of(observed.job) if observed.job is not None else ALONE
    nodes = f" of {spread.nodes} nodes" if spread.nodes > 1 else ""
    return f" on {spread.size} GPUs{nodes}" if spread.size > 1 else ""


def _kept_node(observed: Observed) -> str:
    """Failed pods keep their nodes, so that a corrected run needs no new ones."""
    name, namespace = observed.owner.name, observed.owner.namespace
    if not observed.claims:
        return (
            f"its pod keeps the GPUs until you run kubectl delete workspace {name} -n {namespace}"
        )
    count = requested_nodes(observed.claims)
    cost = cost_per_hour(observed, count)
    price = f" at about {cost} an hour" if cost is not None else ""
    kept, them = ("the node is", "it") if count == 1 else (f"the {count} nodes are", "them")
    return (
        f"{kept} kept{price}: correct the cause, and the run starts again on {them}, or release "
        f"{them} by kubectl delete workspace {name} -n {namespace}"
    )
