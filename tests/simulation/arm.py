"""Azure Resource Manager: agent pools and their long-running operations, as they are in truth."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gpu_provisioner.cloud.errors import CloudError, LaunchRefused, PoolBusy, PoolNotFound
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from kaito_api.reasons import Reason
from tests.simulation.sold import TYPES, MachineType, Region
from tests.simulation.stage import Stage
from tests.simulation.vm import Vm
from tests.simulation.weather import Fault

ACTOR = "AKS"
_REMEMBERED = 60.0
_LATE_FAILURES = (
    (Reason.QUOTA_EXCEEDED, "quota was gone as the machine was made"),
    (Reason.INSUFFICIENT_CAPACITY, "AllocationFailed: no capacity"),
    (Reason.SKU_NOT_AVAILABLE, "the size is not available in this zone"),
    (Reason.LAUNCH_FAILED, "InternalOperationError"),
)


@dataclass(eq=False, slots=True)
class AgentPool:
    """`state` and `error` are the truth; `odd` is what AKS says instead for a while. `has_failed`
    is whether any operation on it ever did."""

    name: str
    type: MachineType
    tags: dict[str, str]
    labels: dict[str, str]
    taints: tuple[str, ...]
    born: float
    foreign: bool = False
    state: PoolState = PoolState.CREATING
    error: CloudError | None = None
    since: float = 0.0
    succeeded: float | None = None
    has_failed: bool = False
    operation: int = 0
    vm: Vm | None = None
    odd: PoolState | None = None

    @property
    def uid(self) -> str:
        return self.tags.get("kaito-claim-uid", "")

    def told(self) -> Pool:
        return Pool(
            name=self.name,
            state=self.odd or self.state,
            instance_type=self.type.name,
            tags=self.tags,
            labels=self.labels,
            error=self.error,
        )


@dataclass(frozen=True, slots=True)
class Fate:
    """How a create ends, after so many seconds; `machine` is when its Node is Ready, from now."""

    seconds: float
    fails: bool = False
    machine: float | None = None


class Machinery(Protocol):
    """Makes machines for pools."""

    def begin(self, pool: AgentPool, after: float) -> Vm: ...

    def remove(self, vm: Vm) -> None: ...


@dataclass(eq=False)
class Arm:
    """`steady` says whether the cluster is up: AKS takes no changes of pools otherwise. `fates`
    are those of the next creates; chance decides once there are none left."""

    stage: Stage
    region: Region
    machinery: Machinery
    steady: Callable[[], bool]
    pools: dict[str, AgentPool] = field(default_factory=dict)
    fates: list[Fate] = field(default_factory=list)
    _past: deque[tuple[float, tuple[Pool, ...]]] = field(default_factory=lambda: deque([(0.0, ())]))
    _operations: int = 0

    def create(self, spec: PoolSpec) -> Pool:
        self._refuse_while_unsteady()
        before = self.pools.get(spec.name)
        if before is not None:
            return self._put(before, spec)
        type_ = TYPES[spec.instance_type]
        self.region.check(type_)
        pool = AgentPool(
            spec.name, type_, dict(spec.tags), dict(spec.labels), spec.taints, self.stage.now
        )
        self.add(pool)
        self._make(pool)
        return pool.told()

    def get(self, name: str) -> Pool:
        if name not in self.pools:
            raise PoolNotFound(name)
        return self.pools[name].told()

    def list(self, age: float = 0.0) -> tuple[Pool, ...]:
        """Every pool as it was so many seconds ago; AKS does not say how old its answer is."""
        wanted = max(0.0, self.stage.now - age)
        return next(pools for moment, pools in reversed(self._past) if moment <= wanted)

    def delete(self, name: str) -> None:
        self._refuse_while_unsteady()
        pool = self.pools.get(name)
        if pool is None or pool.state is PoolState.DELETING:
            return
        if pool.state.in_flight and self.stage.rng.random() < 0.5:
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, f"an operation on {name} is in progress", 5.0)
        self.begin_delete(pool)

    def begin_delete(self, pool: AgentPool) -> None:
        seconds = self._duration()
        self._set(pool, PoolState.DELETING, None)
        self._ends(pool, seconds, self._deleted)

    def add(self, pool: AgentPool) -> None:
        self.pools[pool.name] = pool
        self.region.used[pool.type.family] += pool.type.vcpus
        self._remember()

    def of(self, uid: str) -> tuple[AgentPool, ...]:
        """Those of a claim, by its uid."""
        return tuple(pool for pool in self.pools.values() if pool.uid == uid and not pool.foreign)

    def cancel_operations(self) -> None:
        """What a stop of the cluster does to creates that are under way."""
        for pool in list(self.pools.values()):
            if pool.state in (PoolState.CREATING, PoolState.UPDATING):
                self._set(pool, PoolState.CANCELED, LaunchRefused(Reason.LAUNCH_FAILED, "Canceled"))

    def odd(self, states: Mapping[str, PoolState | None]) -> None:
        for name, state in states.items():
            if name in self.pools:
                self.pools[name].odd = state
        self._remember()

    def _refuse_while_unsteady(self) -> None:
        if not self.steady():
            raise PoolBusy(
                Reason.CLOUD_UNAVAILABLE, "OperationNotAllowed: the cluster is not running", 10
            )

    def _put(self, pool: AgentPool, spec: PoolSpec) -> Pool:
        """The same pool again: one that failed is tried again, and tags are replaced."""
        if pool.state is PoolState.DELETING:
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, f"{pool.name} is being deleted", 5.0)
        if pool.type.name != spec.instance_type:
            raise LaunchRefused(Reason.LAUNCH_FAILED, "PropertyChangeNotAllowed: vmSize")
        if pool.state.in_flight:
            raise PoolBusy(
                Reason.CLOUD_UNAVAILABLE, f"an operation on {pool.name} is in progress", 5.0
            )
        pool.tags, pool.labels = dict(spec.tags), dict(spec.labels)
        if pool.vm is not None and not pool.vm.gone:
            self._set(pool, PoolState.UPDATING, None)
            self._ends(pool, self.stage.between(2, 10), self._succeeded)
        else:
            self._make(pool)
        return pool.told()

    def _make(self, pool: AgentPool) -> None:
        self._set(pool, PoolState.CREATING, None)
        fate = self.fates.pop(0) if self.fates else self._fate()
        if fate.machine is not None:
            pool.vm = self.machinery.begin(pool, fate.machine)
        self._ends(pool, fate.seconds, self._failed if fate.fails else self._succeeded)

    def _fate(self) -> Fate:
        seconds, weather = self._duration(), self.stage.weather
        if weather.strikes(Fault.CREATE_LIES):
            return Fate(seconds, True, seconds + self.stage.between(2, 75))
        if weather.strikes(Fault.CREATE_FAILS):
            return Fate(seconds, True)
        return Fate(seconds, False, max(1.0, seconds + self.stage.between(-20, 40)))

    def _duration(self) -> float:
        if self.stage.weather.strikes(Fault.CREATE_SLOW):
            return self.stage.between(240, 1200)
        least, most = self.stage.rng.choice(((2, 10), (10, 60), (60, 240)))
        return self.stage.between(least, most)

    def _ends(self, pool: AgentPool, seconds: float, end: Callable[[AgentPool], None]) -> None:
        self._operations += 1
        number = pool.operation = self._operations

        def ended() -> None:
            if self.pools.get(pool.name) is pool and pool.operation == number:
                end(pool)

        self.stage.later(seconds, ended)

    def _succeeded(self, pool: AgentPool) -> None:
        self._set(pool, PoolState.SUCCEEDED, None)

    def _failed(self, pool: AgentPool) -> None:
        reason, words = self.stage.rng.choice(_LATE_FAILURES)
        self._set(pool, PoolState.FAILED, LaunchRefused(reason, words))

    def _deleted(self, pool: AgentPool) -> None:
        if self.stage.weather.strikes(Fault.DELETE_FAILS):
            self._set(pool, PoolState.FAILED, LaunchRefused(Reason.LAUNCH_FAILED, "delete failed"))
            return
        del self.pools[pool.name]
        self.region.used[pool.type.family] -= pool.type.vcpus
        if pool.vm is not None:
            self.machinery.remove(pool.vm)
        self.stage.tell(ACTOR, "the pool is gone", pool.name)
        self._remember()

    def _set(self, pool: AgentPool, state: PoolState, error: CloudError | None) -> None:
        pool.state, pool.error, pool.since = state, error, self.stage.now
        pool.operation = 0
        pool.has_failed = pool.has_failed or state.failed
        if state is PoolState.SUCCEEDED and pool.succeeded is None:
            pool.succeeded = self.stage.now
        why = f" ({error.reason}: {error.message})" if error is not None else ""
        self.stage.tell(ACTOR, f"the pool is {state.value}{why}", pool.name)
        self._remember()

    def _remember(self) -> None:
        self._past.append((self.stage.now, tuple(pool.told() for pool in self.pools.values())))
        while len(self._past) > 2 and self._past[1][0] < self.stage.now - _REMEMBERED:
            self._past.popleft()
