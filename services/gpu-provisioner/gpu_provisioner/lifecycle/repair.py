"""Node repair: a node that has not worked for too long is given up, and its claim with it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gpu_provisioner.lifecycle.health_policy import judge, steady_from, while_awake
from gpu_provisioner.lifecycle.nodes import is_ready, ready_change
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import GivesUp, Step, Tell
from kaito_api import conditions
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest

_BLOCKED_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Breakage:
    """Since when it has not worked, how long that is borne, and what is done then. `lone` says
    that the fault is this one node's, however many have it at once."""

    since: datetime
    patience: timedelta
    verdict: Step
    lone: bool = False


def repair(observed: Observed, node: Manifest, trouble: str, shown: Step) -> Step:
    """`shown` for as long as a Node that is not Ready may still recover."""
    since, condition = ready_change(node), shown.condition
    patience = observed.terms.repair_toleration
    if not observed.terms.repair or is_ready(node) or since is None or condition is None:
        return shown
    note = (
        f"{trouble}, for more than {patience.total_seconds() / 60:.0f} min: the claim is given up"
    )
    verdict = Step(
        conditions.false(condition.type, Reason.NODE_UNHEALTHY, note),
        (Tell("Warning", Reason.NODE_UNHEALTHY, note),),
        gives_up=GivesUp.UNHEALTHY,
    )
    return bear(observed, Breakage(since, patience, verdict), shown)


def bear(observed: Observed, breakage: Breakage, shown: Step) -> Step:
    """`shown`, and the verdict when patience is over and it may be passed."""
    if _cloud_is_at_it(observed):
        return shown
    over = steady_from(observed, breakage.since) + breakage.patience
    left = (over - observed.now).total_seconds()
    if left > 0:
        again = left + 1 if shown.look_again is None else min(left + 1, shown.look_again)
        return while_awake(observed, replace(shown, look_again=again))
    fleet = observed.fleet
    if fleet is not None and not fleet.may_repair and not breakage.lone:
        return _blocked(observed, shown)
    return judge(observed, breakage.verdict, shown)


def _cloud_is_at_it(observed: Observed) -> bool:
    """A pool that is being changed (upgraded, repaired) or was stopped has no node for a while."""
    pool = observed.pool
    return pool is None or pool.state.in_flight or not pool.running


def _blocked(observed: Observed, shown: Step) -> Step:
    fleet, condition = observed.fleet, shown.condition
    assert fleet is not None and condition is not None
    note = (
        f"not repaired: {fleet.unhealthy} of {fleet.nodes} nodes do not work, and with more than "
        "20 % the fault is looked for elsewhere"
    )
    return replace(
        shown,
        condition=conditions.false(
            condition.type, Reason.NODE_UNHEALTHY, f"{condition.message}; {note}"
        ),
        actions=(*shown.actions, Tell("Warning", Reason.NODE_REPAIR_BLOCKED, note)),
        look_again=_BLOCKED_SECONDS,
    )
