"""Node repair: the claim of a node that has been unhealthy for too long is deleted."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.health_policy import (
    failing_since,
    note_if_unsteady,
    when_settled,
)
from gpu_provisioner.lifecycle.nodes import is_ready, ready_change
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import DisruptionReason, EmitEvent, StageResult
from kaito_api import conditions
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest

# Whether repair is still blocked depends on other nodes, whose changes do not trigger this claim.
_BLOCKED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class NodeFailure:
    """A failure since that moment. After `toleration` it leads to `outcome`. `single_node` means
    that it is this node's own failure, however many nodes have the same."""

    since: datetime
    toleration: timedelta
    outcome: StageResult
    single_node: bool = False


def repair(observed: Observed, node: Manifest, problem: str, result: StageResult) -> StageResult:
    """Return `result` while a Node that is not Ready may recover, and then delete the claim."""
    since, condition = ready_change(node), result.condition
    toleration = observed.timeouts.repair_toleration
    if not observed.timeouts.repair or is_ready(node) or since is None or condition is None:
        return result
    note = (
        f"{problem}, for more than {toleration.total_seconds() / 60:.0f} min: the claim is deleted"
    )
    outcome = StageResult(
        conditions.false(condition.type, Reason.NODE_UNHEALTHY, note),
        (EmitEvent("Warning", Reason.NODE_UNHEALTHY, note),),
        disruption=DisruptionReason.UNHEALTHY,
    )
    return tolerate(observed, NodeFailure(since, toleration, outcome), result)


def tolerate(observed: Observed, failure: NodeFailure, result: StageResult) -> StageResult:
    """Return `result` while the failure is tolerated, and then its outcome, if the cluster is
    settled and repair is not blocked."""
    if _pool_is_changing(observed):
        return result
    deadline = failing_since(observed, failure.since) + failure.toleration
    remaining = (deadline - observed.now).total_seconds()
    if remaining > 0:
        delay = remaining + 1
        if result.requeue_after_seconds is not None:
            delay = min(delay, result.requeue_after_seconds)
        return note_if_unsteady(observed, replace(result, requeue_after_seconds=delay))
    health = observed.node_health
    if health is not None and not health.allows_repair and not failure.single_node:
        return _blocked(observed, result)
    return when_settled(observed, failure.outcome, result)


def _pool_is_changing(observed: Observed) -> bool:
    """Return whether the pool is being changed (upgraded, repaired) or is stopped, so that its
    node is expected to be missing."""
    pool = observed.pool
    return pool is None or pool.state.in_flight or not pool.running


def _blocked(observed: Observed, result: StageResult) -> StageResult:
    health, condition = observed.node_health, result.condition
    assert health is not None and condition is not None
    note = (
        f"not repaired: {health.unhealthy} of {health.nodes} nodes are unhealthy, and with more "
        "than 20 % the cause is probably not in the nodes"
    )
    return replace(
        result,
        condition=conditions.false(
            condition.type, Reason.NODE_UNHEALTHY, f"{condition.message}; {note}"
        ),
        actions=(*result.actions, EmitEvent("Warning", Reason.NODE_REPAIR_BLOCKED, note)),
        requeue_after_seconds=_BLOCKED_SECONDS,
    )
