"""Keeps what selections depend on: the availability, the quota of recent creates, and what the
cloud refused. The selection itself is pure."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.metrics import Metrics
from gpu_provisioner.offerings.instance_types import Catalog, with_availability
from gpu_provisioner.offerings.preflight import required_quota
from gpu_provisioner.offerings.quota_reservations import QuotaReservations
from gpu_provisioner.offerings.selection import NoOffering, SelectionResult, select
from gpu_provisioner.offerings.selection_inputs import SelectionInputs
from gpu_provisioner.offerings.unavailable_offerings import (
    UNAVAILABLE_TTL,
    Offering,
    UnavailableOfferings,
    offerings,
)
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

# A selection uses an availability of at most this age. While none can be read, an older one is
# used up to the maximum; after that the availability is unknown, which forbids nothing.
AVAILABILITY_TTL, _AVAILABILITY_MAX_AGE = timedelta(seconds=60), timedelta(minutes=5)
# A refusal that a newer availability may explain causes another read, at most this often.
_MIN_REFRESH_INTERVAL = timedelta(seconds=10)
# Creating a pool does not wait longer than this for the availability.
_READ_TIMEOUT_SECONDS = 10.0
_FAILED = (PoolState.FAILED, PoolState.CANCELED, PoolState.DELETING)


@dataclass
class OfferingSelector:
    """One for the process. Call `refresh` before `select`; then `reserve`, and what became of
    the create."""

    cloud: CloudProvider
    clock: Clock
    metrics: Metrics
    catalog: Catalog
    _availability: Availability | None = None
    _read_at: datetime | None = None
    _refresh_at: datetime | None = None
    _problem: str = ""
    _reservations: QuotaReservations = field(default_factory=QuotaReservations)
    _unavailable: UnavailableOfferings = field(default_factory=UnavailableOfferings)
    _failed: set[str] = field(default_factory=set)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def refresh(self) -> None:
        """Read the availability if it is too old. One caller reads for all. The others wait
        only while nothing is known at all."""
        if self._availability is not None and self._reading.locked():
            return
        async with self._reading:
            now = self.clock.now()
            if self._refresh_at is None or now >= self._refresh_at:
                await self._read(now)

    def select(self, claim: Claim) -> SelectionResult:
        now = self.clock.now()
        inputs = SelectionInputs(
            catalog=self.catalog,
            availability=self._availability,
            refresh_at=self._refresh_at or now + AVAILABILITY_TTL,
            reserved=self._reservations.reserved(excluding=claim.name),
            unavailable=self._unavailable,
            now=now,
        )
        result = select(claim, inputs)
        if isinstance(result, NoOffering):
            self._reservations.release(claim.name)
        return result

    def reserve(self, spec: PoolSpec) -> None:
        """Reserve the quota of a pool that is about to be created. No other claim may select
        between the selection and this call."""
        self._failed.discard(spec.name)
        instance_type = with_availability(self.catalog.find(spec.instance_type), self._availability)
        self._reservations.reserve(spec.name, required_quota(instance_type, spot=spec.spot))
        self._unavailable.mark_probing(_offerings(spec), spec.name, self.clock.now())

    def create_accepted(self, spec: PoolSpec) -> None:
        self._reservations.confirm(spec.name, self.clock.now())
        self._unavailable.mark_accepted(_offerings(spec))

    def create_refused(self, spec: PoolSpec, error: CloudError) -> bool:
        """Record the refusal, and return whether another offering may succeed."""
        self._reservations.release(spec.name)
        if error.reason not in UNAVAILABLE_TTL:
            return False
        self._unavailable.mark_unavailable(_offerings(spec), error, self.clock.now(), late=False)
        # A missing quota or SKU is visible in a newer availability; missing capacity is not.
        if error.reason != Reason.INSUFFICIENT_CAPACITY and self._read_at is not None:
            earliest = self._read_at + _MIN_REFRESH_INTERVAL
            self._refresh_at = min(self._refresh_at or earliest, earliest)
        return True

    def observe(self, pool: Pool, *, joined: bool) -> None:
        """Record the state of a claim's pool. `joined` means that its machine is a node, whatever
        the pool's state says. A failure is recorded once, however long the pool exists."""
        self._reservations.confirm(pool.name, self.clock.now())
        if joined or pool.state is PoolState.SUCCEEDED:
            self._unavailable.mark_available(_offerings(pool))
        elif pool.name in self._failed or pool.state not in _FAILED or pool.error is None:
            return
        elif pool.error.reason in UNAVAILABLE_TTL:
            self._failed.add(pool.name)
            self._unavailable.mark_unavailable(
                _offerings(pool), pool.error, self.clock.now(), late=True
            )

    def forget(self, claim: str) -> None:
        """Drop what is kept for a claim that needs no machine."""
        self._failed.discard(claim)
        self._reservations.release(claim)

    async def _read(self, now: datetime) -> None:
        try:
            async with asyncio.timeout(_READ_TIMEOUT_SECONDS):
                availability = await self.cloud.availability()
        except TimeoutError:
            self._unreadable(Reason.CLOUD_UNAVAILABLE, "no response in time", None, now)
        except CloudError as error:
            self._unreadable(error.reason, error.message, error.retry_after_seconds, now)
        else:
            if self._problem:
                logger.info("quota and SKUs can be read again")
            self._availability, self._problem = availability, ""
            self._read_at = availability.requested_at
            self._refresh_at = availability.requested_at + AVAILABILITY_TTL
            self._reservations.drop_counted(availability.requested_at)

    def _unreadable(
        self, reason: Reason, message: str, retry_after_seconds: float | None, now: datetime
    ) -> None:
        """Record a failed read. It forbids nothing: AKS itself rejects what it cannot create."""
        self.metrics.availability_unreadable(reason)
        if reason != self._problem:
            logger.warning("quota and SKUs cannot be read, so pools are created without "
                        "pre-flight: %s. docs/installation.md lists the required permissions",
                        message)  # fmt: skip
        known = self._availability
        if known is not None and now - known.requested_at > _AVAILABILITY_MAX_AGE:
            self._availability = None
        self._problem, self._read_at = reason, now
        self._refresh_at = now + (
            timedelta(seconds=retry_after_seconds) if retry_after_seconds else AVAILABILITY_TTL
        )


def _offerings(pool: PoolSpec | Pool) -> tuple[Offering, ...]:
    return offerings(pool.instance_type, pool.zones, spot=pool.spot)
