"""One acts, the others wait: leadership over a coordination.k8s.io Lease.

`decide` is pure. The loop calls back when leadership is gained and cancels the work before it
is lost: renewing stops being believed well before another replica may take over. What the work
changes it changes through a fence that asks the `Tenure` first (fence.py).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from kaito_api.conditions import parse_time
from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, ClusterError, Conflict, NotFound, NotLeading
from kaito_kube.kinds import LEASE, Manifest

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """Who stands for what. `duration` is how long others wait after the last renewal,
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


def decide(lease: Manifest | None, terms: LeaseTerms, now: datetime) -> Move:
    """What this replica does about the Lease that it sees."""
    if lease is None:
        return Move.CREATE
    spec = lease.get("spec") or {}
    holder = spec.get("holderIdentity") or ""
    if holder == terms.identity:
        return Move.RENEW
    renewed = spec.get("renewTime")
    seconds = spec.get("leaseDurationSeconds") or terms.duration
    if not holder or renewed is None:
        return Move.TAKE
    return Move.TAKE if now > parse_time(renewed) + timedelta(seconds=seconds) else Move.WAIT


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


async def attempt(cluster: Cluster, clock: Clock, terms: LeaseTerms) -> bool:
    """Looks at the Lease and takes or renews it where it may; True when it is held now. Raises
    NotLeading where another holds it."""
    try:
        lease = await cluster.get(LEASE, terms.name, terms.namespace)
    except NotFound:
        lease = None
    now = clock.now()
    move = decide(lease, terms, now)
    if move is Move.WAIT:
        raise NotLeading("another replica holds the lease")
    wanted = manifest(terms, now, lease)
    try:
        if move is Move.CREATE:
            await cluster.create(LEASE, wanted)
        else:
            await cluster.patch(LEASE, terms.name, wanted, namespace=terms.namespace)
    except (AlreadyExists, Conflict):
        return False
    return True


async def release(cluster: Cluster, terms: LeaseTerms) -> None:
    """Gives the Lease up, so that the next replica need not wait."""
    try:
        lease = await cluster.get(LEASE, terms.name, terms.namespace)
        if lease["spec"].get("holderIdentity") == terms.identity:
            version = lease["metadata"]["resourceVersion"]
            patch = {"metadata": {"resourceVersion": version}, "spec": {"holderIdentity": ""}}
            await cluster.patch(LEASE, terms.name, patch, namespace=terms.namespace)
    except ClusterError as error:
        LOG.info("the lease was not given up: %s", error)


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
    tenure = tenure or Tenure()
    while not await _tried(cluster, clock, terms, tenure):
        await asyncio.sleep(terms.renew_every)
    LOG.info("leading as %s", terms.identity)
    working = asyncio.ensure_future(work())
    keeping = asyncio.ensure_future(_keep(cluster, clock, terms, tenure))
    try:
        await asyncio.wait((working, keeping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (working, keeping):
            task.cancel()
        results = await asyncio.gather(working, keeping, return_exceptions=True)
        tenure.end()
        await release(cluster, terms)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _keep(cluster: Cluster, clock: Clock, terms: LeaseTerms, tenure: Tenure) -> None:
    """Renews until it did not succeed for three quarters of the Lease's duration. A Lease that ran
    out meanwhile is not taken again by this process: others may have acted, and it saw nothing."""
    pause = terms.renew_every
    while tenure.holds():
        await asyncio.sleep(pause)
        if tenure.holds():
            held = await _tried(cluster, clock, terms, tenure)
            pause = terms.renew_every if held else terms.retry_every
    LOG.error("leadership was lost: the lease was not renewed in time, or is another's")


async def _tried(cluster: Cluster, clock: Clock, terms: LeaseTerms, tenure: Tenure) -> bool:
    """Counts from before the question: the Lease was written later than that."""
    began = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(terms.renew_every):
            held = await attempt(cluster, clock, terms)
    except NotLeading:
        tenure.end()
        return False
    except (ClusterError, TimeoutError) as error:
        LOG.warning("the lease could not be read or written: %s", error or "no answer")
        return False
    if held:
        tenure.extend(began + terms.duration * 3 / 4)
    return held
