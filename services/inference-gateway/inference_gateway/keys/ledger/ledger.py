"""The ledger as the door uses it: refuses with a problem, and knows what holds while the store is
away."""

import logging
import uuid
from dataclasses import dataclass, field
from enum import StrEnum

from inference_gateway.keys import problems
from inference_gateway.keys.ledger.allowance import Allowance
from inference_gateway.keys.ledger.settler import Settler
from inference_gateway.keys.ledger.store import (
    Amount,
    Bounds,
    LedgerStore,
    LimitReached,
    Reservation,
    Settlement,
    Standing,
    StoreUnavailable,
)
from kaito_keys.key_policy import KeyPolicy

logger = logging.getLogger(__name__)
_LEAST = Amount(requests=1, tokens=1, nanodollars=1)


class WhenAway(StrEnum):
    """What becomes of requests whose limits cannot be checked."""

    REFUSE = "refuse"
    ALLOW = "allow"


@dataclass(slots=True, kw_only=True)
class KeyLedger:
    """One for each gateway."""

    store: LedgerStore
    when_away: WhenAway
    allowance: Allowance
    expires_seconds: float
    settler: Settler = field(init=False)
    _is_away: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self.settler = Settler(self.store)

    async def reserve(self, policy: KeyPolicy, request: str, amount: Amount) -> Standing | None:
        """Reserves the amount; None where the key has no limits, or the store is away.

        Raises:
            RequestRejected: 429, a limit is reached; 503, the store is away.
        """
        if not policy.is_limited:
            return None
        reservation = Reservation(
            key=policy.id,
            id=request,
            amount=amount,
            bounds=Bounds.of(policy.limits, policy.concurrent_requests),
            expires_seconds=self.expires_seconds,
        )
        try:
            standing = await self.store.reserve(reservation)
        except LimitReached as reached:
            self._note(is_away=False)
            raise problems.limit_reached(reached, policy, amount) from None
        except StoreUnavailable as error:
            self._note(is_away=True, detail=str(error))
            if self._lets_pass(policy, amount):
                return None
            # It may have been reserved all the same.
            self.give_back(policy.id, request)
            raise problems.store_away(str(error)) from None
        except BaseException:
            self.give_back(policy.id, request)
            raise
        self._note(is_away=False)
        return standing

    async def check(self, policy: KeyPolicy) -> None:
        """Whether anything is left for a request that has yet to wait for its model.

        Raises:
            RequestRejected: as `reserve`.
        """
        # Of its own id: each of several checks is a reservation that ends at once.
        request = uuid.uuid4().hex
        if await self.reserve(policy, request, _LEAST) is None:
            return
        try:
            # Not by the settler: the request itself is reserved next.
            await self.store.settle(Settlement(key=policy.id, id=request))
        except BaseException as error:
            self.give_back(policy.id, request)
            if not isinstance(error, StoreUnavailable):
                raise

    def settle(self, policy: KeyPolicy, request: str, used: Amount) -> None:
        """Counts what a request has used, soon."""
        self.settler.add(Settlement(key=policy.id, id=request, used=used))

    def give_back(self, key: str, request: str) -> None:
        """Ends a reservation of which nothing was used."""
        self.settler.add(Settlement(key=key, id=request))

    def _lets_pass(self, policy: KeyPolicy, amount: Amount) -> bool:
        # What can never fit needs no store to be refused: a limit of zero stops a key.
        fits = all(amount.of(limit.unit) <= limit.amount for limit in policy.limits)
        may_pass = fits and self.when_away is WhenAway.ALLOW
        return may_pass and self.allowance.take(policy.id, amount.tokens)

    def _note(self, *, is_away: bool, detail: str = "") -> None:
        """Logs an outage once when it begins and once when it ends."""
        if is_away == self._is_away:
            return
        self._is_away = is_away
        if is_away:
            logger.error("key store away", extra={"error": detail, "requests": self.when_away})
        else:
            self.allowance.reset()
            logger.warning("key store back")
