"""`CloudProvider` before another one: lets calls through at the pace that the cloud bears, and
raises CloudUnavailable or Queued, with the seconds to stay away, instead of the others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gpu_provisioner.cloud.availability import Market
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolBusy, Queued
from gpu_provisioner.cloud.pacing.operation_queue import Turnstile
from gpu_provisioner.cloud.pacing.token_bucket import Lane, Rate, Wait
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.settings import Budget
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

_BUSY = (
    "waits its turn: the cluster is busy with another operation, and AKS takes changes one at a "
    "time meanwhile"
)


class PacedCloud:
    """One for the whole process: the limits are those of its identity."""

    def __init__(self, cloud: CloudProvider, clock: Clock, budget: Budget) -> None:
        self._cloud = cloud
        self._clock = clock
        reads, writes = Rate(budget.reads_per_minute), Rate(budget.writes_per_minute)
        self._reads = _Paced("reads", "armReadsPerMinute", Lane(reads), clock)
        self._writes = _Paced("writes", "armWritesPerMinute", Lane(writes), clock)
        self._deletes = _Paced("deletes", "armWritesPerMinute", Lane(writes), clock)
        self._turnstile = Turnstile()

    async def create(self, spec: PoolSpec) -> Pool:
        age = spec.labels.get(labels.CREATION_TIMESTAMP, "")
        async with self._in_turn(spec.name, age), self._writes.call(spec.name):
            return await self._cloud.create(spec)

    async def delete(self, name: str) -> None:
        """Before all creates: what is deleted costs money until then."""
        async with self._in_turn(name, ""), self._deletes.call(name):
            await self._cloud.delete(name)

    async def get(self, name: str) -> Pool:
        async with self._reads.call(f"pool {name}"):
            return await self._cloud.get(name)

    async def list(self) -> PoolListing:
        """Before all other reads: it answers for every claim at once."""
        async with self._reads.call("pools", urgent=True):
            return await self._cloud.list()

    async def cluster(self) -> ClusterState:
        async with self._reads.call("cluster"):
            return await self._cloud.cluster()

    async def newest_image(self, name: str) -> str:
        async with self._reads.call(f"image of {name}"):
            return await self._cloud.newest_image(name)

    async def market(self) -> Market:
        async with self._reads.call("market"):
            return await self._cloud.market()

    @asynccontextmanager
    async def _in_turn(self, name: str, age: str) -> AsyncIterator[None]:
        """An operation on the cluster."""
        seconds = self._turnstile.ask(name, age, self._clock.now())
        if seconds is not None:
            raise Queued(Reason.LAUNCH_QUEUED, _BUSY, seconds)
        try:
            yield
            self._turnstile.taken(name)
        except PoolBusy as error:
            if error.elsewhere:
                pause = error.retry_after or 5.0
                self._turnstile.refused(name, age, pause, self._clock.now())
            raise
        finally:
            self._turnstile.left(name)


class _Paced:
    """A lane with a clock: what its words and its cloud's mean to each other."""

    def __init__(self, kind: str, setting: str, lane: Lane, clock: Clock) -> None:
        self._kind, self._setting, self._lane, self._clock = kind, setting, lane, clock

    @asynccontextmanager
    async def call(self, who: str, *, urgent: bool = False) -> AsyncIterator[None]:
        wait = self._lane.ask(who, self._clock.now(), urgent=urgent)
        if wait is not None:
            raise self._refusal(wait)
        try:
            yield
        except CloudUnavailable as error:
            self._lane.close(self._clock.now(), error.retry_after, error.message.split(": ")[0])
            raise
        except CloudError:
            self._lane.done()
            raise
        else:
            self._lane.done()

    def _refusal(self, wait: Wait) -> CloudError:
        """Messages stay the same while the wait lasts, so that each is told once."""
        if wait.closed:
            message = f"{wait.closed}: {self._kind} wait until Azure takes them again"
            return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, message, wait.seconds)
        message = (
            f"waits its turn: {self._kind} are kept to {self._lane.rate.per_minute} a minute "
            f"(setting {self._setting})"
        )
        return Queued(Reason.LAUNCH_QUEUED, message, wait.seconds)
