"""How many replicas an InferenceSet with `spec.autoscaling` should have: the built-in scaler. Pure.

The demand says how many replicas it needs (demand/history.py). They are added once all of a short
window needed more, and taken away once none of a long window needed as many. After any change the
same windows have to pass, so that no window ever has two changes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from kaito_api import condition_types
from kaito_api.conditions import Condition, false, parse_time, true
from kaito_api.dollars import format_dollars, parse_dollars
from kaito_api.inference_set import Autoscaling
from kaito_api.reasons import Reason
from workspace_controller.demand.history import History, highest, lowest
from workspace_controller.inference_sets.plan.replica import Replica

# A node, an image and the weights of a large model take less. What has not answered by then does
# not keep the other replicas.
_START_TIME = timedelta(minutes=30)
_TYPE = condition_types.AUTOSCALING_ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingInputs:
    """`replicas` is spec.replicas, `present` the Workspaces, and `requests` the mean number of
    requests at once; None where no front door reports. `scaled_at` is the last change by this
    scaler. `price` is that of one replica in dollars an hour; None where nobody knows it.
    `other_scaler` is what else is meant to write spec.replicas; empty without one. `is_blocked`
    says that no further replica is created, whatever spec.replicas says.
    """

    autoscaling: Autoscaling
    replicas: int
    present: Sequence[Replica]
    requests: float | None
    history: History
    scaled_at: datetime | None
    now: datetime
    price: Decimal | None = None
    other_scaler: str = ""
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class ScalingVerdict:
    """How many replicas there should be, why, and the condition that says what holds it."""

    replicas: int
    condition: Condition
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Limit:
    """The most replicas that may be added up to, and what limits them."""

    replicas: int
    reason: Reason
    message: str


def needed(requests: float, autoscaling: Autoscaling) -> int:
    """The replicas for so many requests at once. A hair more than a whole number is rounding."""
    return math.ceil(requests / autoscaling.target_requests - 1e-9)


def decide_autoscaling(inputs: ScalingInputs) -> ScalingVerdict:
    """The next number of replicas; the present one where nothing is to change."""
    stay, rules = inputs.replicas, inputs.autoscaling
    if inputs.other_scaler:
        return ScalingVerdict(stay, false(_TYPE, Reason.SEVERAL_SCALERS, inputs.other_scaler))
    if stay == 0:
        why = "spec.replicas is 0: set it to 1 or more to scale by demand again"
        return ScalingVerdict(stay, false(_TYPE, Reason.AUTOSCALING_PAUSED, why))
    if stay > rules.max_replicas:
        why = f"spec.autoscaling.maxReplicas is {rules.max_replicas}"
        return ScalingVerdict(rules.max_replicas, _follows(inputs, why), why)
    limit = _limit(inputs)
    if stay < min(rules.min_replicas, limit.replicas):
        least = min(rules.min_replicas, limit.replicas)
        why = f"spec.autoscaling.minReplicas is {rules.min_replicas}"
        return ScalingVerdict(least, _follows(inputs, why), why)
    if inputs.requests is None:
        why = (
            "no front door reports its requests: install inference-gateway, and see in its log "
            "whether it reaches this controller"
        )
        return ScalingVerdict(stay, false(_TYPE, Reason.DEMAND_UNKNOWN, why))
    return _by_demand(inputs, limit)


def _by_demand(inputs: ScalingInputs, limit: _Limit) -> ScalingVerdict:
    stay, rules, now = inputs.replicas, inputs.autoscaling, inputs.now
    up = timedelta(seconds=rules.scale_up_window_seconds)
    down = timedelta(seconds=rules.scale_down_window_seconds)
    more, fewer = lowest(inputs.history, now, up), highest(inputs.history, now, down)
    if more is not None and more > stay:
        if limit.replicas <= stay:
            return ScalingVerdict(stay, true(_TYPE, limit.reason, _limited(inputs, more, limit)))
        why = f"for {rules.scale_up_window_seconds} s, {more} were needed"
        wanted = min(more, limit.replicas)
        if _passed(inputs, up):
            return ScalingVerdict(wanted, _follows(inputs, why), f"{why}{_load(inputs)}")
        return ScalingVerdict(stay, _follows(inputs, _too_soon(wanted, up)))
    wanted = max(fewer if fewer is not None else stay, rules.min_replicas)
    if wanted >= stay:
        return ScalingVerdict(stay, _follows(inputs, ""))
    if (starting := _starting(inputs)) is not None:
        why = f"{starting} has not answered yet, and none is taken away before"
        return ScalingVerdict(stay, _follows(inputs, why))
    if not _passed(inputs, down):
        return ScalingVerdict(stay, _follows(inputs, _too_soon(wanted, down)))
    why = f"for {rules.scale_down_window_seconds} s, no more than {fewer} were needed"
    return ScalingVerdict(wanted, _follows(inputs, why), f"{why}{_load(inputs)}")


def _follows(inputs: ScalingInputs, why: str) -> Condition:
    rules = inputs.autoscaling
    text = f"{rules.min_replicas} to {rules.max_replicas} replicas by demand"
    return true(_TYPE, Reason.DEMAND_FOLLOWED, f"{text}; {why}" if why else text)


def _too_soon(wanted: int, window: timedelta) -> str:
    seconds = window.total_seconds()
    return f"{wanted} are needed, and the last change is less than {seconds:.0f} s ago"


def _load(inputs: ScalingInputs) -> str:
    if inputs.requests is None:
        return ""
    target = inputs.autoscaling.target_requests
    return f" (now {inputs.requests:.1f} requests at once, {target} a replica)"


def _limited(inputs: ScalingInputs, wanted: int, limit: _Limit) -> str:
    return f"the demand needs {wanted} replicas; {limit.message}"


def _limit(inputs: ScalingInputs) -> _Limit:
    """The lower of maxReplicas and what maxPricePerHour buys."""
    rules = inputs.autoscaling
    most = _Limit(
        rules.max_replicas,
        Reason.MAX_REPLICAS_REACHED,
        f"spec.autoscaling.maxReplicas={rules.max_replicas}: raise it, or targetRequests",
    )
    if rules.max_price_per_hour is None:
        return most
    dollars = parse_dollars(rules.max_price_per_hour)
    field = f"spec.autoscaling.maxPricePerHour={rules.max_price_per_hour}"
    if dollars is None or inputs.price is None or not inputs.price:
        why = f"{field}, and the price of a replica is not known: remove it, or set instanceType"
        return _Limit(inputs.replicas, Reason.PRICE_LIMIT_REACHED, why)
    affordable = int(dollars // inputs.price)
    if affordable >= rules.max_replicas:
        return most
    each = f"a replica costs {format_dollars(inputs.price)} an hour"
    return _Limit(affordable, Reason.PRICE_LIMIT_REACHED, f"{field}, and {each}: raise it")


def _passed(inputs: ScalingInputs, window: timedelta) -> bool:
    """Whether the last change lies so far back. Another leader's clock may be a little ahead; a
    time far ahead is nobody's."""
    since = inputs.scaled_at
    return since is None or abs(inputs.now - since) >= window


def _starting(inputs: ScalingInputs) -> str | None:
    """What still starts: a Workspace's name, or that one is not there yet."""
    alive = [replica for replica in inputs.present if not replica.deleting]
    for replica in alive:
        if not replica.serving and not replica.failed and not _is_late(replica, inputs.now):
            return replica.name
    if len(alive) < inputs.replicas and not inputs.is_blocked:
        return "a replica that is being created"
    return None


def _is_late(replica: Replica, now: datetime) -> bool:
    return bool(replica.created) and now - parse_time(replica.created) > _START_TIME
