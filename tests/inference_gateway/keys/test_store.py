"""What every store of the ledger does. Limits of all time never meet the end of a window."""

import asyncio
import itertools

import pytest

from inference_gateway.keys.ledger.store import (
    Amount,
    Bounds,
    LedgerStore,
    LimitReached,
    Reservation,
    Settlement,
)
from inference_gateway.keys.ledger.windows import window_numbers
from kaito_keys.limits import Limit, Unit, Window

_NAMES = itertools.count()
EVER = Window.EVER


def reservation(
    tokens: int = 10,
    *,
    limit: int | None = 100,
    unit: Unit = Unit.TOKENS,
    concurrent: int | None = None,
    request: str = "",
    expires_seconds: float = 600,
    nanodollars: int = 0,
) -> Reservation:
    limits = () if limit is None else (Limit(unit, EVER, limit),)
    return Reservation(
        key="k",
        id=request or f"r{next(_NAMES)}",
        amount=Amount(requests=1, tokens=tokens, nanodollars=nanodollars),
        bounds=Bounds.of(limits, concurrent),
        expires_seconds=expires_seconds,
    )


def used(request: str, tokens: int, key: str = "k") -> Settlement:
    return Settlement(key=key, id=request, used=Amount(requests=1, tokens=tokens))


async def test_what_is_reserved_is_not_there_for_others(store: LedgerStore) -> None:
    await store.reserve(reservation(60))
    with pytest.raises(LimitReached) as reached:
        await store.reserve(reservation(41))
    assert (reached.value.window, reached.value.unit) == (EVER, Unit.TOKENS)
    standing = await store.reserve(reservation(40))
    assert standing.remaining(Limit(Unit.TOKENS, EVER, 100)) == 0


async def test_a_settlement_replaces_the_reservation(store: LedgerStore) -> None:
    await store.reserve(reservation(90, request="one"))
    standing = await store.settle(used("one", 7))
    assert standing.spent_of(EVER, Unit.TOKENS) == 7
    assert standing.spent_of(EVER, Unit.REQUESTS) == 1
    assert (standing.in_flight, sum(standing.reserved)) == (0, 0)
    await store.reserve(reservation(93))


async def test_a_settlement_counts_once(store: LedgerStore) -> None:
    await store.reserve(reservation(request="one"))
    for _ in range(3):
        standing = await store.settle(used("one", 7))
    assert standing.spent_of(EVER, Unit.TOKENS) == 7


async def test_a_repeated_reservation_is_the_same_one(store: LedgerStore) -> None:
    for _ in range(3):
        standing = await store.reserve(reservation(60, request="one"))
    assert standing.in_flight == 1


async def test_a_request_without_a_reservation_counts_too(store: LedgerStore) -> None:
    standing = await store.settle(used("ran while the store was away", 30))
    assert standing.spent_of(EVER, Unit.TOKENS) == 30


async def test_an_answer_that_cost_more_than_its_reservation_counts_whole(
    store: LedgerStore,
) -> None:
    await store.reserve(reservation(90, request="one"))
    await store.settle(used("one", 130))
    with pytest.raises(LimitReached) as reached:
        await store.reserve(reservation(0, limit=100))
    assert reached.value.standing.remaining(Limit(Unit.TOKENS, EVER, 100)) == 0


async def test_the_reservation_of_a_gateway_that_died_is_given_back(store: LedgerStore) -> None:
    await store.reserve(reservation(100, expires_seconds=0, request="dead"))
    standing = await store.reserve(reservation(100, request="next"))
    assert standing.in_flight == 1
    # It had not died: it was slow.
    standing = await store.settle(used("dead", 8))
    assert standing.spent_of(EVER, Unit.TOKENS) == 8


async def test_concurrent_requests_are_limited(store: LedgerStore) -> None:
    await store.reserve(reservation(limit=None, concurrent=2, request="one"))
    await store.reserve(reservation(limit=None, concurrent=2))
    with pytest.raises(LimitReached) as reached:
        await store.reserve(reservation(limit=None, concurrent=2))
    assert reached.value.window is None
    await store.settle(used("one", 1))
    await store.reserve(reservation(limit=None, concurrent=2))


async def test_dollars_of_large_budgets_are_exact(store: LedgerStore) -> None:
    most = 2**50
    budget = {"limit": most, "unit": Unit.DOLLARS}
    await store.reserve(reservation(nanodollars=most - 1, **budget))  # type: ignore[arg-type]
    await store.reserve(reservation(nanodollars=1, **budget))  # type: ignore[arg-type]
    with pytest.raises(LimitReached):
        await store.reserve(reservation(nanodollars=1, **budget))  # type: ignore[arg-type]


async def test_keys_have_accounts_of_their_own(store: LedgerStore) -> None:
    await store.settle(used("one", 5, key="a"))
    standing = await store.settle(used("one", 3, key="b"))
    assert standing.spent_of(EVER, Unit.TOKENS) == 3


async def test_calls_at_once_never_exceed_a_limit(store: LedgerStore) -> None:
    async def ask() -> bool:
        try:
            await store.reserve(reservation(7))
        except LimitReached:
            return False
        return True

    granted = await asyncio.gather(*(ask() for _ in range(300)))
    assert sum(granted) == 100 // 7


async def test_windows_are_those_of_the_calendar(store: LedgerStore) -> None:
    standing = await store.settle(used("one", 1))
    assert standing.numbers == window_numbers(standing.now_seconds)
