"""The seam to where the ledger is kept, with its typed errors.

One account for each key: counters by window and unit, and the reservations of requests in flight.
A request reserves the most that it can cost, in one atomic step with the comparison with the
limits, and settles to what it used. So what is spent and what is reserved together never exceed a
limit, whichever replicas the requests go to.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kaito_keys.limits import Limit, Unit, Window

# The order of the counters in every store. All time comes last: it has no limits, and is the sum
# that can be compared with what the engines counted.
WINDOWS = tuple(Window)
UNITS = tuple(Unit)
COUNTERS = tuple((window, unit) for window in WINDOWS for unit in UNITS)
_PLACES: Mapping[tuple[Window, Unit], int] = {each: place for place, each in enumerate(COUNTERS)}
NO_LIMIT = -1


class StoreError(Exception):
    """The ledger could not be asked."""


class StoreUnavailable(StoreError):
    """The store is away, starting, or full. Whether it did what it was asked is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """What a request may use, or has used."""

    requests: int = 0
    tokens: int = 0
    nanodollars: int = 0

    def of(self, unit: Unit) -> int:
        if unit is Unit.TOKENS:
            return self.tokens
        return self.requests if unit is Unit.REQUESTS else self.nanodollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The limits of a key, by counter; NO_LIMIT where there is none.

    `limits` has the same as pairs of a counter's place and its limit, in their order.
    """

    counters: tuple[int, ...]
    limits: tuple[tuple[int, int], ...] = ()
    concurrent: int = NO_LIMIT

    @classmethod
    def of(cls, limits: Sequence[Limit], concurrent_requests: int | None) -> "Bounds":
        counters = [NO_LIMIT] * len(COUNTERS)
        for limit in limits:
            counters[_PLACES[limit.window, limit.unit]] = limit.amount
        concurrent = NO_LIMIT if concurrent_requests is None else concurrent_requests
        pairs = tuple((place, each) for place, each in enumerate(counters) if each != NO_LIMIT)
        return cls(counters=tuple(counters), limits=pairs, concurrent=concurrent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """An account at one moment of the store's clock.

    `numbers` say which minute, day and month since 1970 it is. `spent` and `reserved` are by
    counter; only reservations that were made in the same window count.
    """

    now_seconds: float
    in_flight: int
    numbers: tuple[int, ...]
    spent: tuple[int, ...]
    reserved: tuple[int, ...]

    def spent_of(self, window: Window, unit: Unit) -> int:
        return self.spent[_PLACES[window, unit]]

    def remaining(self, limit: Limit) -> int:
        """What may still be reserved."""
        place = _PLACES[limit.window, limit.unit]
        return max(limit.amount - self.spent[place] - self.reserved[place], 0)


class LimitReached(StoreError):
    """Nothing was reserved. `window` and `unit` name the limit; None for concurrent requests."""

    def __init__(self, standing: Standing, window: Window | None, unit: Unit | None) -> None:
        super().__init__("concurrent requests" if window is None else f"{unit} per {window}")
        self.standing = standing
        self.window = window
        self.unit = unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One request of one key. The id is unique: a repeated call changes nothing.

    The store gives the reservation back after `expires_seconds`: its gateway died.
    """

    key: str
    id: str
    amount: Amount
    bounds: Bounds
    expires_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a request has used in the end. The id is that of its reservation, if it has one."""

    key: str
    id: str
    used: Amount = field(default_factory=Amount)


class LedgerStore(Protocol):
    """Raises:
    StoreUnavailable: from every method.
    """

    async def reserve(self, reservation: Reservation) -> Standing:
        """Reserves the amount.

        Raises:
            LimitReached: a limit does not allow it now.
        """
        ...

    async def settle(self, settlement: Settlement) -> Standing:
        """Replaces the reservation by what was used.

        Counts as well if there is no reservation any more: it has expired, or the store has lost
        it, or the request ran while the store was away. Once for each id.
        """
        ...

    async def close(self) -> None: ...
