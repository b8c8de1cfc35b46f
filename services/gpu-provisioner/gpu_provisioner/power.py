"""Whether what is seen of pools and nodes can be taken at its word: the cluster runs, it is not
being started or stopped, and that has been so for long enough that its nodes could come back."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gpu_provisioner.cloud import CloudError, CloudProvider, ClusterState
from kaito_kube.clock import Clock

logger = logging.getLogger(__name__)

_FRESH = timedelta(seconds=15)
# Answers further apart than this say nothing of the time between them.
_LONGEST_GAP = timedelta(minutes=5)
_PAUSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What is known of it at one moment. `steady_since` is None while the cluster is not steady,
    or not known to be; `woke` is when it was last seen to become so again."""

    state: ClusterState | None = None
    asked: datetime | None = None
    steady_since: datetime | None = None
    woke: datetime | None = None

    def is_fresh(self, now: datetime) -> bool:
        return self.asked is not None and now - self.asked <= _FRESH

    def is_settled(self, now: datetime, settle: timedelta) -> bool:
        return self.steady_since is not None and now - self.steady_since >= settle

    def taken(self, state: ClusterState, asked: datetime) -> "Power":
        """What is known after one more answer."""
        if not state.steady:
            return Power(state=state, asked=asked)
        unseen = self.asked is None or asked - self.asked > _LONGEST_GAP
        was_off = self.state is not None and not self.state.steady
        since = None if unseen else self.steady_since
        return Power(
            state=state,
            asked=asked,
            steady_since=since or asked,
            woke=asked if was_off else self.woke,
        )

    @property
    def words(self) -> str:
        """How the cluster stands, for messages."""
        if self.state is None:
            return "it is not known whether the AKS cluster runs"
        if not self.state.running:
            return "the AKS cluster is stopped"
        if not self.state.settled:
            return "the AKS cluster is being started, stopped or made"
        return f"the AKS cluster has been steady only since {self.steady_since:%H:%M:%S} UTC"


UNKNOWN = Power()


@dataclass(slots=True)
class PowerWatch:
    """The newest answer, shared by all who judge by it."""

    cloud: CloudProvider
    clock: Clock
    power: Power = UNKNOWN
    _not_before: datetime | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self) -> Power:
        """An answer that is fresh, where the cloud gives one; one call answers all who wait."""
        async with self._lock:
            now = self.clock.now()
            held = self._not_before is not None and now < self._not_before
            if not held and not self.power.is_fresh(now):
                await self._ask(now)
            return self.power

    async def _ask(self, now: datetime) -> None:
        try:
            state = await self.cloud.cluster()
        except CloudError as error:
            logger.warning("the cluster could not be read, nothing is judged: %s", error.message)
            pause = error.retry_after or _PAUSE_SECONDS
            self._not_before = self.clock.now() + timedelta(seconds=pause)
            return
        before, self.power = self.power, self.power.taken(state, now)
        if before.state is None or before.state.steady != state.steady:
            logger.info("the cluster is %s", "steady" if state.steady else self.power.words)
