"""One acts, the others wait: leadership over a coordination.k8s.io Lease.

`decide` is pure. The loop calls back when leadership is gained and cancels the work before it
is lost: renewing stops being believed well before another replica may take over. What the work
changes it changes through a fence that asks the `Tenure` first (fence.py).
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
from kaito_kube.errors import AlreadyExists, ClusterError, Conflict, NotFound, NotLeading
from kaito_kube.kinds import LEASE, Manifest

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """Who stands for what. `duration` is how long others wait after they saw a renewal,
    `renew_every` how often it is renewed, `retry_every` the pause after a failed renewal, all in
    seconds."""

    name: str
    namespace: str
    identity: str
    duration: float = 20.0
    renew_every: float = 4.0
    retry_every: float = 1.0


@dataclass
class Tenure:
    """Until when this process leads for certain, by the loop's clock, which nobody sets."""

    _until: float = field(default=float("-inf"))

    def holds(self) -> bool:
        return asyncio.get_running_loop().time() < self._until

    def check(self) -> None:
        """Raises NotLeading."""
        if not self.holds():
            raise NotLeading("this replica does not lead any more")

    def extend(self, until: float) -> None:
        self._until = until

    def end(self) -> None:
        self._until = float("-inf")


class Move(Enum):
    CREATE = "create"
    RENEW = "renew"
    TAKE = "take"
    WAIT = "wait"


@dataclass
class Sighting:
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


def decide(lease: Manifest | None, terms: LeaseTerms, unchanged: float) -> Move:
    """What this replica does about the Lease, which it has seen as it is for so many seconds."""
    if lease is None:
        return Move.CREATE
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == terms.identity:
        return Move.RENEW
    if not holder:
        return Move.TAKE
    seconds = spec.get("leaseDurationSeconds") or terms.duration
    return Move.TAKE if unchanged > seconds else Move.WAIT


def manifest(terms: LeaseTerms, now: datetime, before: Manifest | None) -> Manifest:
    """The Lease as this replica holds it; carries the version it was read at."""
    old = (before or {}).get("spec") or {}
    held = old.get("holderIdentity") == terms.identity
    transitions = int(old.get("leaseTransitions") or 0) + (0 if held or before is None else 1)
    metadata: dict[str, Any] = {"name": terms.name, "namespace": terms.namespace}
    if before is not None:
        metadata["resourceVersion"] = before["metadata"]["resourceVersion"]
    return {
        "metadata": metadata,
        "spec": {
            "holderIdentity": terms.identity,
            "leaseDurationSeconds": int(terms.duration),
            "acquireTime": old.get("acquireTime") if held else _micro_time(now),
            "renewTime": _micro_time(now),
            "leaseTransitions": transitions,
        },
    }


def _micro_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


async def lead(
    cluster: Cluster,
    clock: Clock,
    terms: LeaseTerms,
    work: Callable[[], Awaitable[None]],
    tenure: Tenure | None = None,
) -> None:
    """Waits for leadership, runs `work`, and returns when leadership is lost or work ends. While
    it leads `tenure` says so.

    A process whose leadership was lost should end: its successor acts already."""
    candidate = _Candidate(cluster, clock, terms, tenure or Tenure())
    while not await candidate.tried():
        await asyncio.sleep(terms.renew_every)
    LOG.info("leading as %s", terms.identity)
    working = asyncio.ensure_future(work())
    keeping = asyncio.ensure_future(candidate.keep())
    try:
        await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, keeping):
            task.cancel()
        results = await asyncio.gather(working, keeping, return_exceptions=True)
        candidate.tenure.end()
        await candidate.release()
    for result in results:
        if isinstance(result, Exception):
            raise result


@dataclass
class _Candidate:
    cluster: Cluster
    clock: Clock
    terms: LeaseTerms
    tenure: Tenure
    _sighting: Sighting = field(default_factory=Sighting)

    async def tried(self) -> bool:
        """Whether the Lease is held now. Counts from before the question: it was written later
        than that."""
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self.terms.renew_every):
                held = await self._attempt()
        except NotLeading:
            self.tenure.end()
            return False
        except (ClusterError, TimeoutError) as error:
            LOG.warning("the lease could not be read or written: %s", error or "no answer")
            return False
        if held:
            self.tenure.extend(began + self.terms.duration * 3 / 4)
        return held

    async def keep(self) -> None:
        """Renews until it did not succeed for three quarters of the Lease's duration. A Lease that
        ran out meanwhile is not taken again by this process: others may have acted, and it saw
        nothing."""
        pause = self.terms.renew_every
        while self.tenure.holds():
            await asyncio.sleep(pause)
            if self.tenure.holds():
                pause = self.terms.renew_every if await self.tried() else self.terms.retry_every
        LOG.error("leadership was lost: the lease was not renewed in time, or is another's")

    async def release(self) -> None:
        """Gives the Lease up, so that the next replica need not wait."""
        name, namespace = self.terms.name, self.terms.namespace
        try:
            lease = await self.cluster.get(LEASE, name, namespace)
            if lease["spec"].get("holderIdentity") == self.terms.identity:
                version = lease["metadata"]["resourceVersion"]
                patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
                await self.cluster.patch(LEASE, name, patch, namespace=namespace)
        except ClusterError as error:
            LOG.info("the lease was not given up: %s", error)

    async def _attempt(self) -> bool:
        """Looks at the Lease and takes or renews it where it may. Raises NotLeading where another
        holds it."""
        name, namespace = self.terms.name, self.terms.namespace
        try:
            lease = await self.cluster.get(LEASE, name, namespace)
        except NotFound:
            lease = None
        unchanged = self._sighting.seconds(lease, asyncio.get_running_loop().time())
        move = decide(lease, self.terms, unchanged)
        if move is Move.WAIT:
            raise NotLeading("another replica holds the lease")
        wanted = manifest(self.terms, self.clock.now(), lease)
        try:
            if move is Move.CREATE:
                await self.cluster.create(LEASE, wanted)
            else:
                await self.cluster.patch(LEASE, name, wanted, namespace=namespace)
        except (AlreadyExists, Conflict):
            return False
        return True
