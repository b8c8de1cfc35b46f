"""The cloud in memory behind the `CloudProvider` seam: pools whose operations take as long as
the test says. It records every call, and can be told what to answer next."""

from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gpu_provisioner.cloud.availability import Market, quota_names
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, LaunchRefused, PoolBusy, PoolNotFound
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec, PoolState
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock

_IMAGE = "AKSUbuntu-2204gen2containerd-202610.12.0"
_STEADY = ClusterState(running=True, settled=True, kubernetes_version="1.33.4")


@dataclass
class FakeCloud:
    """`operation` is how long a create or a delete takes. `fail_late` names pools whose create
    ends Failed with that error. `goods` are what is for sale, without what its pools take. `image`
    is what new pools get, `newest` what is told of every pool. `unlisted` are pools that listings
    lack, though they are there."""

    clock: Clock
    operation: timedelta = timedelta(seconds=30)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fail_late: dict[str, CloudError] = field(default_factory=dict)
    goods: Market | None = None
    state: ClusterState = _STEADY
    unlisted: set[str] = field(default_factory=set)
    image: str = _IMAGE
    newest: str = _IMAGE
    _pools: dict[str, Pool] = field(default_factory=dict)
    _ends: dict[str, datetime] = field(default_factory=dict)
    _errors: deque[tuple[str, CloudError, bool]] = field(default_factory=deque)

    def fail_next(self, call: str, error: CloudError, *, takes_effect: bool = False) -> None:
        """The next call of that name raises it; `takes_effect` loses only its answer."""
        self._errors.append((call, error, takes_effect))

    def seed(self, pool: Pool) -> None:
        self._pools[pool.name] = pool

    def pools(self) -> dict[str, Pool]:
        """Every pool that exists at this moment."""
        self._advance()
        return dict(self._pools)

    async def create(self, spec: PoolSpec) -> Pool:
        lost = self._begin("create", spec.name)
        before = self._pools.get(spec.name)
        if before is not None and before.state is PoolState.DELETING:
            raise PoolBusy(
                Reason.CLOUD_UNAVAILABLE, f"agent pool {spec.name} is being deleted", 5.0
            )
        if before is None:
            self._sell(spec)
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

    async def get(self, name: str) -> Pool:
        self._begin("get", name)
        if name not in self._pools:
            raise PoolNotFound(name)
        return self._pools[name]

    async def list(self) -> PoolListing:
        self._begin("list", "")
        listed = (pool for name, pool in self._pools.items() if name not in self.unlisted)
        return PoolListing(tuple(listed), self.clock.now())

    async def delete(self, name: str) -> None:
        lost = self._begin("delete", name)
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

    async def market(self) -> Market:
        self._begin("market", "")
        return self._market()

    def _market(self) -> Market:
        """A market that knows nothing where no goods are set."""
        goods = self.goods or Market(offers={}, quotas={}, asked=self.clock.now())
        used: Counter[str] = Counter()
        for pool in self._pools.values():
            if (offer := goods.offers.get(pool.instance_type.lower())) is not None:
                used.update(dict.fromkeys(quota_names(offer.family, spot=pool.spot), offer.vcpus))
        quotas = {
            name: replace(quota, used=quota.used + used[name])
            for name, quota in goods.quotas.items()
        }
        return replace(goods, quotas=quotas, asked=self.clock.now())

    def _sell(self, spec: PoolSpec) -> None:
        """Raises LaunchRefused for what the market says that it does not sell."""
        market = self._market()
        offer = market.offers.get(spec.instance_type.lower())
        if market.trouble:
            raise LaunchRefused(Reason.SUBSCRIPTION_DISABLED, market.trouble)
        if offer is None:
            return
        if offer.withheld or set(spec.zones) - (offer.zones - offer.zones_withheld):
            raise LaunchRefused(Reason.SKU_NOT_AVAILABLE, f"{spec.instance_type} is not sold there")
        for name in quota_names(offer.family, spot=spec.spot):
            if name in market.quotas and market.quotas[name].left < offer.vcpus:
                raise LaunchRefused(
                    Reason.QUOTA_EXCEEDED, f"quota {name} has no {offer.vcpus} left"
                )

    def _begin(self, call: str, name: str) -> CloudError | None:
        """Records the call; raises what it was told to, or returns it where the call counts."""
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
        """Ends the operations whose time has come."""
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
