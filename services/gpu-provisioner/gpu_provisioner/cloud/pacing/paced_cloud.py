"""A `CloudProvider` that paces the calls to another one. A call that has to wait raises
CloudUnavailable or Throttled, with the seconds to wait, and does not reach the cloud."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolBusy, Throttled
from gpu_provisioner.cloud.pacing.operation_queue import Operation, OperationQueue, OperationType
from gpu_provisioner.cloud.pacing.token_bucket import Rate, TokenBucket, Wait
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from gpu_provisioner.cloud.provider import CloudProvider
from gpu_provisioner.settings import Budget
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

_CLUSTER_BUSY = (
    "queued: the cluster is busy with another operation, and AKS accepts one change at a time "
    "until it finishes"
)
# How long operations pause where AKS is busy and names no time.
_BUSY_PAUSE_SECONDS = 5.0


class PacedCloud:
    """One instance per process, because ARM's limits apply to the identity. The clock must never
    go back, or calls would wait until it has caught up: outside of tests it is a SteadyClock."""

    def __init__(self, cloud: CloudProvider, clock: Clock, budget: Budget) -> None:
        self._cloud = cloud
        self._clock = clock
        reads, writes = Rate(budget.reads_per_minute), Rate(budget.writes_per_minute)
        self._reads = _PacedCalls("reads", "armReadsPerMinute", TokenBucket(reads), clock)
        self._writes = _PacedCalls("writes", "armWritesPerMinute", TokenBucket(writes), clock)
        self._deletes = _PacedCalls("deletes", "armWritesPerMinute", TokenBucket(writes), clock)
        self._operations = OperationQueue()

    async def create(self, spec: PoolSpec) -> Pool:
        creation = Operation(spec.labels.get(labels.CREATION_TIMESTAMP, ""), spec.name)
        async with self._queued(creation), self._writes.paced(spec.name):
            return await self._cloud.create(spec)

    async def add_marks(self, pool: Pool, marks: Marks) -> Pool:
        update = Operation("", pool.name, OperationType.UPDATE)
        async with self._queued(update), self._writes.paced(f"marks of {pool.name}"):
            return await self._cloud.add_marks(pool, marks)

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        deletion = Operation("", name, OperationType.DELETION)
        async with self._queued(deletion), self._deletes.paced(name):
            await self._cloud.delete(name, ignore_budgets=ignore_budgets, etag=etag)

    async def get(self, name: str) -> Pool:
        async with self._reads.paced(f"pool {name}"):
            return await self._cloud.get(name)

    async def list(self) -> PoolListing:
        # One listing answers for every claim, so it goes before all other reads.
        async with self._reads.paced("pools", urgent=True):
            return await self._cloud.list()

    async def cluster(self) -> ClusterState:
        async with self._reads.paced("cluster"):
            return await self._cloud.cluster()

    async def newest_image(self, name: str) -> str:
        async with self._reads.paced(f"image of {name}"):
            return await self._cloud.newest_image(name)

    async def availability(self) -> Availability:
        async with self._reads.paced("availability"):
            return await self._cloud.availability()

    @asynccontextmanager
    async def _queued(self, operation: Operation) -> AsyncIterator[None]:
        """Run an operation on the cluster when its turn has come."""
        seconds = self._operations.acquire(operation, self._clock.now())
        if seconds is not None:
            raise Throttled(Reason.LAUNCH_QUEUED, _CLUSTER_BUSY, seconds)
        try:
            yield
            self._operations.accepted(operation)
        except PoolBusy as error:
            if error.cluster_wide:
                pause = error.retry_after_seconds or _BUSY_PAUSE_SECONDS
                self._operations.busy(operation, pause, self._clock.now())
            raise
        finally:
            self._operations.release(operation)


class _PacedCalls:
    """One class of calls: a token bucket, the clock, and the errors of calls that wait."""

    def __init__(self, kind: str, setting: str, bucket: TokenBucket, clock: Clock) -> None:
        self._kind, self._setting, self._bucket, self._clock = kind, setting, bucket, clock

    @asynccontextmanager
    async def paced(self, caller: str, *, urgent: bool = False) -> AsyncIterator[None]:
        wait = self._bucket.acquire(caller, self._clock.now(), urgent=urgent)
        if wait is not None:
            raise self._error(wait)
        try:
            yield
        except CloudUnavailable as error:
            # Without the details of that one call, the message is true for every call that waits.
            message = error.message.split(": ")[0]
            self._bucket.block(self._clock.now(), error.retry_after_seconds, message)
            raise
        except CloudError:
            self._bucket.succeeded()
            raise
        else:
            self._bucket.succeeded()

    def _error(self, wait: Wait) -> CloudError:
        # The message must not change while the wait lasts: conditions are written when it does.
        if wait.blocked_by:
            message = f"{wait.blocked_by}: {self._kind} wait until Azure accepts them again"
            return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, message, wait.seconds)
        message = (
            f"queued: {self._kind} are limited to {self._bucket.rate.per_minute} a minute "
            f"(setting {self._setting})"
        )
        return Throttled(Reason.LAUNCH_QUEUED, message, wait.seconds)
