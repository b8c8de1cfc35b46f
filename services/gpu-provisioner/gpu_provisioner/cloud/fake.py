"""An in-memory `CloudProvider` for tests: operations take as long as the test sets, every call
is recorded, and the next error can be chosen."""

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gpu_provisioner.cloud.availability import Availability, quota_names
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import (
    CloudError,
    LaunchRefused,
    PoolBusy,
    PoolExists,
    PoolNotFound,
)
from gpu_provisioner.cloud.pool_marks import Marks, with_tags
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec, PoolState
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

_IMAGE = "AKSUbuntu-2204gen2containerd-202610.12.0"
_STEADY = ClusterState(running=True, settled=True, kubernetes_version="1.33.4")


@dataclass
class FakeCloud:
    """`operation` is how long a create or a delete takes. `fail_late` maps pool names to the
    error that their create ends with. `offered` is what the region offers, not counting the
    usage of this cloud's own pools. New pools get `image`; `newest` is the newest image of every
    pool. Listings omit the existing pools named in `unlisted`. With `strips_tags` a policy removes
    all tags from every update. `budgets_ignored` names the pools whose deletion asked for that."""

    clock: Clock
    operation: timedelta = timedelta(seconds=30)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fail_late: dict[str, CloudError] = field(default_factory=dict)
    offered: Availability | None = None
    state: ClusterState = _STEADY
    unlisted: set[str] = field(default_factory=set)
    strips_tags: bool = False
    budgets_ignored: set[str] = field(default_factory=set)
    image: str = _IMAGE
    newest: str = _IMAGE
    _pools: dict[str, Pool] = field(default_factory=dict)
    _ends: dict[str, datetime] = field(default_factory=dict)
    _errors: deque[tuple[str, CloudError, bool]] = field(default_factory=deque)

    def fail_next(self, call: str, error: CloudError, *, takes_effect: bool = False) -> None:
        """Make the next call of that name raise the error. With `takes_effect` the call is
        carried out and only its response is lost."""
        self._errors.append((call, error, takes_effect))

    def forget_failures(self) -> None:
        """Let all calls succeed from now on."""
        self._errors.clear()

    def seed(self, pool: Pool) -> None:
        self._pools[pool.name] = pool

    def forget(self, name: str) -> None:
        """Remove the pool at once, as if somebody had deleted it."""
        del self._pools[name]

    def pools(self) -> dict[str, Pool]:
        """Return every pool that exists now."""
        self._advance()
        return dict(self._pools)

    async def create(self, spec: PoolSpec) -> Pool:
        lost = self._begin("create", spec.name)
        before = self._pools.get(spec.name)
        if before is not None and before.state is PoolState.DELETING:
            raise PoolBusy(
                Reason.CLOUD_UNAVAILABLE, f"agent pool {spec.name} is being deleted", 5.0
            )
        if before is not None:
            raise PoolExists(spec.name)
        self._check_available(spec)
        self._pools[spec.name] = Pool(
            name=spec.name,
            state=PoolState.CREATING,
            instance_type=spec.instance_type,
            tags=dict(spec.tags),
            labels=dict(spec.labels),
            zones=spec.zones,
            spot=spec.spot,
            image=self.image,
            kubernetes_version=self.state.kubernetes_version,
        )
        self._ends[spec.name] = self.clock.now() + self.operation
        if lost is not None:
            raise lost
        return self._pools[spec.name]

    async def add_marks(self, pool: Pool, marks: Marks) -> Pool:
        lost = self._begin("add_marks", pool.name)
        current = self._pools.get(pool.name)
        if current is None:
            raise PoolNotFound(pool.name)
        if current != pool or current.state.in_flight:
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, f"agent pool {pool.name} has changed", 5.0)
        tags = {} if self.strips_tags else with_tags(current.tags, marks.tags)
        marked = replace(current, tags=tags, labels={**current.labels, **marks.labels})
        self._pools[pool.name] = marked
        if lost is not None:
            raise lost
        return marked

    async def get(self, name: str) -> Pool:
        self._begin("get", name)
        if name not in self._pools:
            raise PoolNotFound(name)
        return self._pools[name]

    async def list(self) -> PoolListing:
        self._begin("list", "")
        listed = (pool for name, pool in self._pools.items() if name not in self.unlisted)
        return PoolListing(tuple(listed), self.clock.now())

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        lost = self._begin("delete", name)
        if ignore_budgets:
            self.budgets_ignored.add(name)
        if name in self._pools and self._pools[name].state is not PoolState.DELETING:
            self._pools[name] = replace(self._pools[name], state=PoolState.DELETING)
            self._ends[name] = self.clock.now() + self.operation
        if lost is not None:
            raise lost

    async def cluster(self) -> ClusterState:
        self._begin("cluster", "")
        return self.state

    async def newest_image(self, name: str) -> str:
        self._begin("newest_image", name)
        if name not in self._pools:
            raise PoolNotFound(name)
        return self.newest

    async def availability(self) -> Availability:
        self._begin("availability", "")
        return self._availability()

    def _availability(self) -> Availability:
        """Return what is offered, with the usage of the existing pools. Knows nothing where
        `offered` is None."""
        offered = self.offered or Availability(skus={}, quotas={}, requested_at=self.clock.now())
        used: Counter[str] = Counter()
        for pool in self._pools.values():
            if (sku := offered.skus.get(pool.instance_type.lower())) is not None:
                used.update(dict.fromkeys(quota_names(sku.family, spot=pool.spot), sku.vcpus))
        quotas = {
            name: replace(quota, used=quota.used + used[name])
            for name, quota in offered.quotas.items()
        }
        return replace(offered, quotas=quotas, requested_at=self.clock.now())

    def _check_available(self, spec: PoolSpec) -> None:
        """Check the pool against what `availability` reports.

        Raises:
            LaunchRefused: the region does not sku it to this subscription.
        """
        availability = self._availability()
        sku = availability.skus.get(spec.instance_type.lower())
        if availability.problem:
            raise LaunchRefused(Reason.SUBSCRIPTION_DISABLED, availability.problem)
        if sku is None:
            return
        if sku.restriction or set(spec.zones) - (sku.zones - sku.restricted_zones):
            raise LaunchRefused(
                Reason.SKU_NOT_AVAILABLE, f"{spec.instance_type} is not available there"
            )
        for name in quota_names(sku.family, spot=spec.spot):
            if name in availability.quotas and availability.quotas[name].left < sku.vcpus:
                raise LaunchRefused(Reason.QUOTA_EXCEEDED, f"quota {name} has no {sku.vcpus} left")

    def _begin(self, call: str, name: str) -> CloudError | None:
        """Record the call. Raise the error that `fail_next` set for it, or return the error
        where the call has to take effect first."""
        self._advance()
        self.calls.append((call, name))
        for index, (wanted, error, takes_effect) in enumerate(self._errors):
            if wanted == call:
                del self._errors[index]
                if takes_effect:
                    return error
                raise error
        return None

    def _advance(self) -> None:
        """Finish the operations that are due."""
        for name in [n for n, end in self._ends.items() if end <= self.clock.now()]:
            del self._ends[name]
            pool = self._pools[name]
            if pool.state is PoolState.DELETING:
                del self._pools[name]
            elif name in self.fail_late:
                self._pools[name] = replace(
                    pool, state=PoolState.FAILED, error=self.fail_late[name]
                )
            else:
                self._pools[name] = replace(pool, state=PoolState.SUCCEEDED)
