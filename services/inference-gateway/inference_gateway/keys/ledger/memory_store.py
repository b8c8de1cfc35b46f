"""The ledger in the memory of one gateway, for a single replica. It begins at zero with each start.

The same steps as those of `redis_scripts`, in Python; the same tests run on both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from inference_gateway.keys.ledger.store import (
    COUNTERS,
    NO_LIMIT,
    UNITS,
    WINDOWS,
    Amount,
    LimitReached,
    Reservation,
    Settlement,
    Standing,
)
from inference_gateway.keys.ledger.windows import window_numbers
from kaito_keys.limits import Window

# Far longer than a settlement is repeated without an answer.
REMEMBERED_SECONDS = 120


@dataclass(frozen=True, slots=True)
class _Open:
    numbers: tuple[int, ...]
    amount: Amount
    expires_at: float


@dataclass(slots=True)
class _Account:
    numbers: list[int] = field(default_factory=lambda: [-1] * len(WINDOWS))
    spent: list[int] = field(default_factory=lambda: [0] * len(COUNTERS))
    reserved: list[int] = field(default_factory=lambda: [0] * len(COUNTERS))
    open: dict[str, _Open] = field(default_factory=dict)
    settled: dict[str, float] = field(default_factory=dict)

    def turn(self, now: float) -> None:
        """Begins the windows that have begun, and forgets what has expired."""
        for place, number in enumerate(window_numbers(now)):
            if _begins(WINDOWS[place], number, self.numbers[place]):
                self.numbers[place] = number
                first = place * len(UNITS)
                self.spent[first : first + len(UNITS)] = [0] * len(UNITS)
                self.reserved[first : first + len(UNITS)] = [0] * len(UNITS)
        # Both are in the order of their times: only what has expired is looked at.
        while self.open and self.open[oldest := next(iter(self.open))].expires_at <= now:
            self.close(oldest)
        while self.settled and self.settled[oldest := next(iter(self.settled))] <= now:
            del self.settled[oldest]

    def close(self, request: str) -> tuple[int, ...]:
        """Gives a reservation back, if there is one, and returns the windows that it was in."""
        found = self.open.pop(request, None)
        if found is None:
            return tuple(self.numbers)
        self.add(self.reserved, found.amount, found.numbers, -1)
        return found.numbers

    def add(
        self, counters: list[int], amount: Amount, numbers: tuple[int, ...], sign: int = 1
    ) -> None:
        """Adds to the counters of those windows that still go on."""
        used = amount.requests, amount.tokens, amount.nanodollars
        for place, (own, present) in enumerate(zip(numbers, self.numbers, strict=True)):
            if own == present:
                for unit, count in enumerate(used, start=place * len(UNITS)):
                    counters[unit] += sign * count

    def standing(self, now: float) -> Standing:
        return Standing(
            now_seconds=now,
            in_flight=len(self.open),
            numbers=tuple(self.numbers),
            spent=tuple(self.spent),
            reserved=tuple(self.reserved),
        )


def _begins(window: Window, number: int, current: int) -> bool:
    """Whether a new window has begun.

    A clock that is set back must not open a day or a month with a new budget. A minute that was
    entered too early would close the key for as long as the clock was ahead.
    """
    return number != current if window is Window.MINUTE else number > current


@dataclass(slots=True)
class MemoryStore:
    """Implements `LedgerStore`. `now` gives seconds since 1970."""

    now: Callable[[], float]
    _accounts: dict[str, _Account] = field(default_factory=dict)

    async def reserve(self, reservation: Reservation) -> Standing:
        now = self.now()
        account = self._account(reservation.key, now)
        if reservation.id in account.open:
            return account.standing(now)
        amount, bounds = reservation.amount, reservation.bounds
        if bounds.concurrent != NO_LIMIT and len(account.open) >= bounds.concurrent:
            raise LimitReached(account.standing(now), None, None)
        for place, limit in bounds.limits:
            window, unit = COUNTERS[place]
            if account.spent[place] + account.reserved[place] + amount.of(unit) > limit:
                raise LimitReached(account.standing(now), window, unit)
        numbers = tuple(account.numbers)
        account.open[reservation.id] = _Open(numbers, amount, now + reservation.expires_seconds)
        account.add(account.reserved, amount, numbers)
        return account.standing(now)

    async def settle(self, settlement: Settlement) -> Standing:
        now = self.now()
        account = self._account(settlement.key, now)
        if settlement.id not in account.settled:
            # A request that began before midnight belongs to the day that it began in.
            numbers = account.close(settlement.id)
            account.add(account.spent, settlement.used, numbers)
            account.settled[settlement.id] = now + REMEMBERED_SECONDS
        return account.standing(now)

    async def close(self) -> None:
        """Nothing is open."""

    def _account(self, key: str, now: float) -> _Account:
        account = self._accounts.setdefault(key, _Account())
        account.turn(now)
        return account
