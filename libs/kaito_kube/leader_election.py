"""One acts, the others wait: leadership over a coordination.k8s.io Lease.

`decide` is pure. The loop calls back when leadership is gained and cancels the work before it
is lost: renewing stops being believed well before another replica may take over. What the work
changes it changes through a fence that asks the `Leadership` first (fence.py).
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
from kaito_kube.errors import AlreadyExists, ClusterError, Conflict, NotFound, NotLeader
from kaito_kube.kinds import LEASE, Manifest

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseConfig:
    """The Lease and its timing.

    `lease_duration_seconds` is how long other replicas wait after they saw a renewal,
    `renew_interval_seconds` how often the leader renews, and `retry_period_seconds` how long it
    waits after a failed renewal.
    """

    name: str
    namespace: str
    identity: str
    lease_duration_seconds: float = 20.0
    renew_interval_seconds: float = 4.0
    retry_period_seconds: float = 1.0


@dataclass
class Leadership:
    """Until when this process leads for certain, by the loop's clock, which nobody sets."""

    _until: float = field(default=float("-inf"))

    def is_held(self) -> bool:
        return asyncio.get_running_loop().time() < self._until

    def check(self) -> None:
        """Raises NotLeader."""
        if not self.is_held():
            raise NotLeader("this replica does not lead any more")

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
    """How long this process has seen the Lease as it is. Its age by its own time of renewal would
    be the difference of two machines' clocks."""

    _spec: Manifest | None = None
    _since: float = 0.0

    def seconds(self, lease: Manifest | None, now: float) -> float:
        """`now` is of a clock that nobody sets."""
        spec = (lease or {}).get("spec")
        if spec != self._spec:
            self._spec, self._since = spec, now
        return now - self._since


def decide(lease: Manifest | None, config: LeaseConfig, unchanged: float) -> LeaseAction:
    """What this replica does about the Lease, which it has seen as it is for so many seconds."""
    if lease is None:
        return LeaseAction.CREATE
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == config.identity:
        return LeaseAction.RENEW
    if not holder:
        return LeaseAction.TAKE
    seconds = spec.get("leaseDurationSeconds") or config.lease_duration_seconds
    return LeaseAction.TAKE if unchanged > seconds else LeaseAction.WAIT


def manifest(config: LeaseConfig, now: datetime, before: Manifest | None) -> Manifest:
    """The Lease as this replica holds it; carries the version it was read at."""
    old = (before or {}).get("spec") or {}
    held = old.get("holderIdentity") == config.identity
    transitions = int(old.get("leaseTransitions") or 0) + (0 if held or before is None else 1)
    metadata: dict[str, Any] = {"name": config.name, "namespace": config.namespace}
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
    """Waits for leadership, runs `work`, and returns when leadership is lost or work ends. While
    it leads `leadership` says so.

    A process whose leadership was lost should end: its successor acts already."""
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
    _sighting: LeaseObservation = field(default_factory=LeaseObservation)

    async def try_acquire(self) -> bool:
        """Whether the Lease is held now. Counts from before the question: it was written later
        than that."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.config.renew_interval_seconds):
                held = await self._attempt()
        except NotLeader:
            self.leadership.end()
            return False
        except (ClusterError, TimeoutError) as error:
            logger.warning("the lease could not be read or written: %s", error or "no answer")
            return False
        if held:
            self.leadership.extend(began + self.config.lease_duration_seconds * 3 / 4)
        return held

    async def renew_until_lost(self) -> None:
        """Renews until it did not succeed for three quarters of the Lease's duration. A Lease that
        ran out meanwhile is not taken again by this process: others may have acted, and it saw
        nothing."""
        pause = self.config.renew_interval_seconds
        while self.leadership.is_held():
            await asyncio.sleep(pause)
            if self.leadership.is_held():
                pause = (
                    self.config.renew_interval_seconds
                    if await self.try_acquire()
                    else self.config.retry_period_seconds
                )
        logger.error("leadership was lost: the lease was not renewed in time, or is another's")

    async def release(self) -> None:
        """Gives the Lease up, so that the next replica need not wait."""
        name, namespace = self.config.name, self.config.namespace
        try:
            lease = await self.cluster.get(LEASE, name, namespace)
            if lease["spec"].get("holderIdentity") == self.config.identity:
                version = lease["metadata"]["resourceVersion"]
                patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
                await self.cluster.patch(LEASE, name, patch, namespace=namespace)
        except ClusterError as error:
            logger.info("the lease was not given up: %s", error)

    async def _attempt(self) -> bool:
        """Looks at the Lease and takes or renews it where it may. Raises NotLeader where another
        holds it."""
        name, namespace = self.config.name, self.config.namespace
        try:
            lease = await self.cluster.get(LEASE, name, namespace)
        except NotFound:
            lease = None
        unchanged = self._sighting.seconds(lease, asyncio.get_running_loop().time())
        action = decide(lease, self.config, unchanged)
        if action is LeaseAction.WAIT:
            raise NotLeader("another replica holds the lease")
        wanted = manifest(self.config, self.clock.now(), lease)
        try:
            if action is LeaseAction.CREATE:
                await self.cluster.create(LEASE, wanted)
            else:
                await self.cluster.patch(LEASE, name, wanted, namespace=namespace)
        except (AlreadyExists, Conflict):
            return False
        return True
