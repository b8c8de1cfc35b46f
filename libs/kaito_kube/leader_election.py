"""Leader election over a coordination.k8s.io Lease: one replica acts, the others wait.

`decide` is pure. `run_as_leader` starts the work once the Lease is acquired and cancels it before
another replica may acquire the Lease. Cancellation alone does not suffice for a process that was
suspended, so every write also checks `Leadership` (see fenced_cluster.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    NotFound,
    NotLeader,
    Unavailable,
)
from kaito_kube.kinds import LEASE, Manifest
from kaito_process.outage import Outage

logger = logging.getLogger(__name__)

# The leader trusts its last renewal for this share of the Lease's duration. The last quarter is
# the margin in which canceled work ends and clocks of slightly different speed do no harm, before
# another replica may acquire the Lease.
_TRUSTED_SHARE = 3 / 4


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseConfig:
    """The Lease and its timing.

    `owners` are its owner references. `lease_duration_seconds` is how long other replicas wait
    after they observed a renewal, `renew_interval_seconds` how often the leader renews, and
    `retry_period_seconds` how long it waits after a failed renewal.
    """

    name: str
    namespace: str
    identity: str
    owners: tuple[Manifest, ...] = ()
    lease_duration_seconds: float = 20.0
    renew_interval_seconds: float = 4.0
    retry_period_seconds: float = 1.0


@dataclass
class Leadership:
    """Until when this process is sure to be the leader, on the event loop's monotonic clock."""

    _until: float = field(default=float("-inf"))

    def is_held(self) -> bool:
        return asyncio.get_running_loop().time() < self._until

    def check(self) -> None:
        """Guards a write.

        Raises:
            NotLeader: this process is no longer sure to be the leader.
        """
        if not self.is_held():
            raise NotLeader("this replica is not the leader any more")

    def extend(self, until: float) -> None:
        self._until = until

    def end(self) -> None:
        self._until = float("-inf")


class LeaseAction(Enum):
    CREATE = "create"
    RENEW = "renew"
    TAKE = "take"
    WAIT = "wait"


@dataclass
class LeaseObservation:
    """How long this process has observed the Lease unchanged.

    As in client-go, the renewal time written in the Lease is not used: it comes from another
    machine's clock, which may differ from ours by any amount.
    """

    _spec: Manifest | None = None
    _since: float = 0.0

    def seconds(self, lease: Manifest | None, now: float) -> float:
        """`now` is the time of a monotonic clock."""
        spec = (lease or {}).get("spec")
        if spec != self._spec:
            self._spec, self._since = spec, now
        return now - self._since


def decide(lease: Manifest | None, config: LeaseConfig, unchanged_seconds: float) -> LeaseAction:
    """What this replica does about a Lease that has not changed for that long."""
    if lease is None:
        return LeaseAction.CREATE
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == config.identity:
        return LeaseAction.RENEW
    if not holder:
        return LeaseAction.TAKE
    # The holder's own duration counts: the replicas may be configured differently.
    seconds = spec.get("leaseDurationSeconds") or config.lease_duration_seconds
    return LeaseAction.TAKE if unchanged_seconds > seconds else LeaseAction.WAIT


def manifest(config: LeaseConfig, now: datetime, before: Manifest | None) -> Manifest:
    """The Lease with this replica as its holder.

    It carries the resource version of `before`, so that of two replicas that take the Lease at
    the same time one gets a Conflict.
    """
    old = (before or {}).get("spec") or {}
    held = old.get("holderIdentity") == config.identity
    transitions = int(old.get("leaseTransitions") or 0) + (0 if held or before is None else 1)
    metadata: dict[str, Any] = {"name": config.name, "namespace": config.namespace}
    if config.owners:
        metadata["ownerReferences"] = list(config.owners)
    if before is not None:
        metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
    return {
        "metadata": metadata,
        "spec": {
            "holderIdentity": config.identity,
            "leaseDurationSeconds": int(config.lease_duration_seconds),
            "acquireTime": old.get("acquireTime") if held else _micro_time(now),
            "renewTime": _micro_time(now),
            "leaseTransitions": transitions,
        },
    }


def _micro_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def run_as_leader(
    cluster: Cluster,
    clock: Clock,
    config: LeaseConfig,
    work: Callable[[], Awaitable[None]],
    leadership: Leadership | None = None,
) -> None:
    """Waits for leadership, runs `work`, and returns when leadership is lost or the work ends.

    `leadership` is held while `work` runs. The process should exit afterwards: another replica may
    be acting already, and this one has missed its changes.

    Raises:
        Exception: whatever `work` raised.
    """
    candidate = _Candidate(cluster, clock, config, leadership or Leadership())
    while not await candidate.try_acquire():
        await asyncio.sleep(config.renew_interval_seconds)
    logger.info("leading as %s", config.identity)
    working = asyncio.ensure_future(work())
    renewing = asyncio.ensure_future(candidate.renew_until_lost())
    try:
        await asyncio.wait((working, renewing), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, renewing):
            task.cancel()
        # The Lease is released only after the work has stopped: a successor may start at once.
        results = await asyncio.gather(working, renewing, return_exceptions=True)
        candidate.leadership.end()
        await candidate.release()
    for result in results:
        if isinstance(result, Exception):
            raise result


@dataclass
class _Candidate:
    cluster: Cluster
    clock: Clock
    config: LeaseConfig
    leadership: Leadership
    _observation: LeaseObservation = field(default_factory=LeaseObservation)
    _outage: Outage = field(default_factory=lambda: Outage(logger, "read or write the Lease"))

    async def try_acquire(self) -> bool:
        """Acquires or renews the Lease; returns whether this replica holds it now."""
        # Leadership counts from before the request, since the Lease is written after that.
        started = asyncio.get_running_loop().time()
        try:
            # A request that hangs must not delay the next renewal.
            async with asyncio.timeout(self.config.renew_interval_seconds):
                acquired = await self._attempt()
        except NotLeader:
            self._outage.ended(started)
            self.leadership.end()
            return False
        except (ClusterError, TimeoutError) as error:
            self._outage.failed(error if str(error) else Unavailable("no response"), started)
            return False
        self._outage.ended(started)
        if acquired:
            self.leadership.extend(started + self.config.lease_duration_seconds * _TRUSTED_SHARE)
        return acquired

    async def renew_until_lost(self) -> None:
        """Renews the Lease and returns once leadership has ended.

        A Lease that ran out is not acquired again: another replica may have acted meanwhile, and
        this process did not observe it.
        """
        pause = self.config.renew_interval_seconds
        while self.leadership.is_held():
            await asyncio.sleep(pause)
            if self.leadership.is_held():
                pause = (
                    self.config.renew_interval_seconds
                    if await self.try_acquire()
                    else self.config.retry_period_seconds
                )
        logger.error(
            "lost leadership: the Lease was not renewed in time, or another replica holds it"
        )

    async def release(self) -> None:
        """Clears the Lease's holder, so that the next replica need not wait for it to run out."""
        name, namespace = self.config.name, self.config.namespace
        try:
            lease = await self.cluster.get(LEASE, name, namespace)
            if lease["spec"].get("holderIdentity") == self.config.identity:
                version = lease["metadata"]["resourceVersion"]
                patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
                await self.cluster.patch(LEASE, name, patch, namespace=namespace)
        except ClusterError as error:
            logger.info("did not release the Lease: %s", error)

    async def _attempt(self) -> bool:
        """Reads the Lease, and takes or renews it where `decide` allows it.

        Raises:
            NotLeader: another replica holds the Lease.
        """
        name, namespace = self.config.name, self.config.namespace
        try:
            lease = await self.cluster.get(LEASE, name, namespace)
        except NotFound:
            lease = None
        unchanged_seconds = self._observation.seconds(lease, asyncio.get_running_loop().time())
        action = decide(lease, self.config, unchanged_seconds)
        if action is LeaseAction.WAIT:
            raise NotLeader("another replica holds the Lease")
        desired = manifest(self.config, self.clock.now(), lease)
        try:
            if action is LeaseAction.CREATE:
                await self.cluster.create(LEASE, desired)
            else:
                await self.cluster.patch(LEASE, name, desired, namespace=namespace)
        except (AlreadyExists, Conflict):
            return False
        return True
