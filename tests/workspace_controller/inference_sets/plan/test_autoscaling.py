"""When the built-in scaler changes the number of replicas, and when it does not."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaito_api.inference_set import Autoscaling
from kaito_api.reasons import Reason
from workspace_controller.demand.history import History, Span, extended
from workspace_controller.inference_sets.plan.autoscaling import (
    ScalingInputs,
    ScalingVerdict,
    decide_autoscaling,
    needed,
)
from workspace_controller.inference_sets.plan.replica import Replica

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
UP, DOWN = 30, 600


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def rules(**fields: Any) -> Autoscaling:
    return Autoscaling(**{"min_replicas": 1, "max_replicas": 4, "target_requests": 10, **fields})


def spans(*parts: tuple[float, float, int]) -> History:
    """Spans of (seconds ago, seconds ago, replicas)."""
    return tuple(Span(ago(since), ago(until), replicas) for since, until, replicas in parts)


def replicas(text: str) -> list[Replica]:
    """One a word: + serves, - starts, x has failed, d is being deleted, o starts for an hour."""
    return [
        Replica(
            name=f"r{number}",
            created=(ago(3600) if word == "o" else ago(60)).isoformat(),
            serving=word == "+",
            failed=word == "x",
            deleting=word == "d",
        )
        for number, word in enumerate(text.split())
    ]


def decide(present: str, history: History, **fields: Any) -> ScalingVerdict:
    found = replicas(present)
    autoscaling = fields.pop("autoscaling", rules())
    return decide_autoscaling(
        ScalingInputs(
            **{
                "autoscaling": autoscaling,
                "replicas": len([r for r in found if not r.deleting]),
                "present": found,
                "requests": 5.0,
                "history": history,
                "scaled_at": None,
                "now": NOW,
                **fields,
            }
        )
    )


IDLE = spans((700, 0, 1))
BUSY = spans((700, 0, 3))
PEAK = spans((700, 20, 1), (20, 0, 3))


@pytest.mark.parametrize(
    ("present", "history", "fields", "expected"),
    [
        ("+", IDLE, {}, 1),
        ("+", BUSY, {}, 3),
        ("+", PEAK, {}, 1),
        ("+", spans((700, 31, 1), (31, 20, 2), (20, 0, 4)), {}, 2),
        ("+", BUSY, {"scaled_at": ago(29)}, 1),
        ("+", BUSY, {"scaled_at": ago(30)}, 3),
        ("+ - -", spans((40, 0, 4)), {}, 4),
        ("+", spans((700, 0, 9)), {}, 4),
        ("+ + +", IDLE, {}, 1),
        ("+ + +", PEAK, {}, 3),
        ("+ + +", spans((599, 0, 1)), {}, 3),
        ("+ + +", IDLE, {"scaled_at": ago(599)}, 3),
        ("+ + +", IDLE, {"scaled_at": ago(600)}, 1),
        ("+ + +", IDLE, {"scaled_at": NOW + timedelta(seconds=20)}, 3),
        ("+ + +", IDLE, {"scaled_at": NOW + timedelta(hours=2)}, 1),
        ("+ + +", spans((700, 0, 0)), {"autoscaling": rules(min_replicas=2)}, 2),
        ("+ + -", IDLE, {}, 3),
        ("+ + x", IDLE, {}, 1),
        ("+ + o", IDLE, {}, 1),
        ("+ +", IDLE, {"replicas": 3}, 3),
        ("+ +", IDLE, {"replicas": 3, "is_blocked": True}, 1),
        ("+ + d", IDLE, {"replicas": 2}, 1),
        ("+", IDLE, {"autoscaling": rules(min_replicas=2)}, 2),
        ("+ + + + +", BUSY, {}, 4),
        ("+ +", BUSY, {"requests": None}, 2),
        ("+ +", (), {}, 2),
        ("+", BUSY, {"replicas": 0}, 0),
        ("+", BUSY, {"other_scaler": "KEDA"}, 1),
    ],
    ids=[
        "as many as are needed",
        "more were needed for a while",
        "a peak is too short",
        "the least of the window is added",
        "too soon after a change",
        "just not too soon",
        "more while others still start",
        "no more than the maximum",
        "fewer were needed for long",
        "a peak keeps all",
        "the long window is not known",
        "too soon to take away",
        "just not too soon to take away",
        "a change a little ahead of the clock",
        "a change far ahead is nobody's",
        "no fewer than the minimum",
        "one has not answered yet",
        "one has failed",
        "one does not come",
        "one is being created",
        "one is not going to be created",
        "one is going already",
        "fewer than the minimum",
        "more than the maximum",
        "nobody reports",
        "nothing is remembered",
        "paused",
        "somebody else scales",
    ],
)
def test_replicas(present: str, history: History, fields: dict[str, Any], expected: int) -> None:
    assert decide(present, history, **fields).replicas == expected


@pytest.mark.parametrize(
    ("limit", "price", "expected", "says"),
    [
        ("10", Decimal("3.06"), 3, ""),
        ("7", Decimal("3.06"), 2, ""),
        ("3.50", Decimal("3.06"), 1, "maxPricePerHour=3.50, and a replica costs $3.06 an hour"),
        ("10", None, 1, "the price of a replica is not known"),
        ("0", Decimal("3.06"), 1, "maxPricePerHour=0, and a replica costs $3.06 an hour"),
    ],
)
def test_price_limit(limit: str, price: Decimal | None, expected: int, says: str) -> None:
    verdict = decide("+", BUSY, autoscaling=rules(max_price_per_hour=limit), price=price)
    assert verdict.replicas == expected
    if says:
        assert verdict.condition.reason is Reason.PRICE_LIMIT_REACHED
        assert says in verdict.condition.message
        assert verdict.condition.message.startswith("the demand needs 3 replicas; ")


def test_price_limit_takes_nothing_away() -> None:
    autoscaling = rules(max_price_per_hour="1", min_replicas=2)
    assert decide("+ + +", BUSY, autoscaling=autoscaling, price=Decimal(3)).replicas == 3
    assert decide("+", BUSY, autoscaling=autoscaling, price=Decimal(3)).replicas == 1


@pytest.mark.parametrize(
    ("present", "history", "fields", "reason", "says"),
    [
        ("+", IDLE, {}, Reason.DEMAND_FOLLOWED, "1 to 4 replicas by demand"),
        (
            "+ + -",
            IDLE,
            {},
            Reason.DEMAND_FOLLOWED,
            "1 to 4 replicas by demand; r2 has not answered yet, and none is taken away before",
        ),
        (
            "+",
            BUSY,
            {"autoscaling": rules(max_replicas=1)},
            Reason.MAX_REPLICAS_REACHED,
            "the demand needs 3 replicas; spec.autoscaling.maxReplicas=1: raise it, or "
            "targetRequests",
        ),
        (
            "+",
            BUSY,
            {"requests": None},
            Reason.DEMAND_UNKNOWN,
            "no front door reports its requests: install inference-gateway, and see in its log "
            "whether it reaches this controller",
        ),
        (
            "+",
            BUSY,
            {"replicas": 0},
            Reason.AUTOSCALING_PAUSED,
            "spec.replicas is 0: set it to 1 or more to scale by demand again",
        ),
    ],
)
def test_condition_says_what_holds(
    present: str, history: History, fields: dict[str, Any], reason: Reason, says: str
) -> None:
    condition = decide(present, history, **fields).condition
    assert (condition.reason, condition.message) == (reason, says)


def test_change_says_why() -> None:
    assert decide("+", BUSY, requests=23.4).why == (
        "for 30 s, 3 were needed (now 23.4 requests at once, 10 a replica)"
    )
    assert decide("+ + +", IDLE, requests=0.0).why == (
        "for 600 s, no more than 1 were needed (now 0.0 requests at once, 10 a replica)"
    )


@pytest.mark.parametrize(
    ("requests", "expected"), [(0, 0), (0.01, 1), (10, 1), (10 + 1e-12, 1), (10.1, 2), (95, 10)]
)
def test_needed(requests: float, expected: int) -> None:
    assert needed(requests, rules()) == expected


@settings(deadline=None, max_examples=30)
@given(
    loads=st.lists(st.floats(0, 60), min_size=200, max_size=400),
    up=st.sampled_from([5, 30, 60]),
    down=st.sampled_from([60, 300]),
    starts=st.integers(0, 60),
)
def test_no_window_has_two_changes_and_nothing_goes_under_load(
    loads: list[float], up: int, down: int, starts: int
) -> None:
    """Whatever the load: five seconds a sample, and new replicas start for some samples."""
    autoscaling = rules(scale_up_window_seconds=up, scale_down_window_seconds=down)
    count, history, scaled_at = 1, History(), None
    born = [-100]
    changes: list[tuple[int, int]] = []
    for sample, load in enumerate(loads):
        now = NOW + timedelta(seconds=5 * sample)
        history = extended(
            history,
            now,
            needed(load, autoscaling),
            keep=timedelta(seconds=max(up, down)),
            gap=timedelta(seconds=15),
        )
        present = [
            Replica(name=f"r{n}", created=now.isoformat(), serving=sample - at >= starts)
            for n, at in enumerate(born)
        ]
        verdict = decide_autoscaling(
            ScalingInputs(
                autoscaling=autoscaling,
                replicas=count,
                present=present,
                requests=load,
                history=history,
                scaled_at=scaled_at,
                now=now,
            )
        )
        if verdict.replicas == count:
            continue
        window = up if verdict.replicas > count else down
        assert all(5 * (sample - at) >= window for at, _ in changes)
        if verdict.replicas < count:
            recent = loads[max(0, sample - down // 5 + 1) : sample + 1]
            assert max(recent) <= verdict.replicas * autoscaling.target_requests + 1e-6
            assert all(each.serving for each in present)
        assert autoscaling.min_replicas <= verdict.replicas <= autoscaling.max_replicas
        changes.append((sample, verdict.replicas))
        born = [*born[: verdict.replicas], *([sample] * (verdict.replicas - count))]
        count, scaled_at = verdict.replicas, now
