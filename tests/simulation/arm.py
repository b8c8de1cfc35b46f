"""The simulated Azure Resource Manager: the true state of agent pools and operations."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from gpu_provisioner.cloud.errors import (
    CloudError,
    LaunchRefused,
    PoolBusy,
    PoolExists,
    PoolNotFound,
)
from gpu_provisioner.cloud.pool_marks import Marks, with_tags
from gpu_provisioner.cloud.pools import Pool, PoolSpec, PoolState
from kaito_api.reasons import Reason
from tests.simulation.fault_injector import Fault
from tests.simulation.region import TYPES, InstanceType, Region
from tests.simulation.simulation import Simulation
from tests.simulation.vm import Vm

ACTOR = "AKS"
_HISTORY_SECONDS = 60.0
_LATE_FAILURES = (
    (Reason.QUOTA_EXCEEDED, "quota was gone as the machine was made"),
    (Reason.INSUFFICIENT_CAPACITY, "AllocationFailed: no capacity"),
    (Reason.SKU_NOT_AVAILABLE, "the size is not available in this zone"),
    (Reason.LAUNCH_FAILED, "InternalOperationError"),
)


@dataclass(eq=False, slots=True)
class AgentPool:
    """`state` and `error` are the truth; for a while AKS may report `reported_state` instead.

    `has_failed` tells whether an operation on the pool has ever failed. `uid` is the claim's that
    it was created for, whatever its marks say now; `version` changes with every change.
    """

    name: str
    type: InstanceType
    tags: dict[str, str]
    labels: dict[str, str]
    taints: tuple[str, ...]
    born: float
    zones: tuple[str, ...] = ()
    spot: bool = False
    uid: str = ""
    foreign: bool = False
    state: PoolState = PoolState.CREATING
    error: CloudError | None = None
    since: float = 0.0
    succeeded: float | None = None
    has_failed: bool = False
    operation: int = 0
    vm: Vm | None = None
    reported_state: PoolState | None = None
    version: int = 0

    def reported(self) -> Pool:
        return Pool(
            name=self.name,
            state=self.reported_state or self.state,
            instance_type=self.type.name,
            tags=self.tags,
            labels=self.labels,
            error=self.error,
            zones=self.zones,
            spot=self.spot,
            etag=str(self.version),
        )


@dataclass(frozen=True, slots=True)
class CreateOutcome:
    """A create ends after `seconds`; its Node is Ready `ready_after` seconds from now, if ever."""

    seconds: float
    fails: bool = False
    ready_after: float | None = None


class MachineFactory(Protocol):
    """Creates and removes the machines of pools."""

    def begin(self, pool: AgentPool, after: float, zone: str) -> Vm: ...

    def remove(self, vm: Vm) -> None: ...


@dataclass(eq=False)
class Arm:
    """`steady` tells whether the cluster is up; otherwise AKS rejects changes of pools.

    `take_name` creates somebody else's pool of that name, an instant before a create takes effect.
    `create_outcomes` are the outcomes of the next creates. When none is left, they are random.
    """

    sim: Simulation
    region: Region
    machine_factory: MachineFactory
    steady: Callable[[], bool]
    take_name: Callable[[str], None] = lambda _: None
    pools: dict[str, AgentPool] = field(default_factory=dict)
    create_outcomes: list[CreateOutcome] = field(default_factory=list)
    _past: deque[tuple[float, tuple[Pool, ...]]] = field(default_factory=lambda: deque([(0.0, ())]))
    _operations: int = 0

    def create(self, spec: PoolSpec) -> Pool:
        self._refuse_while_unsteady()
        if spec.name not in self.pools and self.sim.injector.strikes(Fault.NAME_TAKEN):
            self.take_name(spec.name)
        if spec.name in self.pools:
            raise PoolExists(spec.name)
        type_ = TYPES[spec.instance_type]
        self.region.check(type_, spec.zones, spot=spec.spot)
        pool = AgentPool(
            spec.name, type_, dict(spec.tags), dict(spec.labels), spec.taints, self.sim.now
        )
        pool.zones, pool.spot = spec.zones, spec.spot
        pool.uid = spec.tags["kaito-claim-uid"]
        self.add(pool)
        self._make(pool)
        return pool.reported()

    def add_marks(self, known: Pool, marks: Marks) -> Pool:
        self._refuse_while_unsteady()
        pool = self.pools.get(known.name)
        if pool is None:
            raise PoolNotFound(known.name)
        if pool.state.in_flight or pool.reported() != known:
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, f"{known.name} has changed", 5.0)
        pool.tags, pool.labels = with_tags(pool.tags, marks.tags), {**pool.labels, **marks.labels}
        self._set(pool, PoolState.UPDATING, None)
        self._ends(pool, self.sim.between(2, 10), self._succeeded)
        return pool.reported()

    def get(self, name: str) -> Pool:
        if name not in self.pools:
            raise PoolNotFound(name)
        return self.pools[name].reported()

    def list(self, age: float = 0.0) -> tuple[Pool, ...]:
        """Every pool as it was `age` seconds ago; AKS does not report the age of its answer."""
        cutoff = max(0.0, self.sim.now - age)
        return next(pools for moment, pools in reversed(self._past) if moment <= cutoff)

    def delete(self, name: str, etag: str = "") -> None:
        """An `etag` deletes only the version of the pool that has it, as If-Match does."""
        self._refuse_while_unsteady()
        pool = self.pools.get(name)
        if pool is None or pool.state is PoolState.DELETING:
            return
        if etag and etag != str(pool.version):
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, f"{name} has changed", 5.0)
        if pool.state.in_flight and self.sim.rng.random() < 0.5:
            raise PoolBusy(Reason.CLOUD_UNAVAILABLE, f"an operation on {name} is in progress", 5.0)
        self.begin_delete(pool)

    def begin_delete(self, pool: AgentPool) -> None:
        seconds = self._duration()
        self._set(pool, PoolState.DELETING, None)
        self._ends(pool, seconds, self._deleted)

    def replace_marks(self, pool: AgentPool, tags: dict[str, str], labels: dict[str, str]) -> None:
        """Replace tags and node labels, as a policy or `az aks nodepool update` does."""
        pool.tags, pool.labels = tags, labels
        pool.version += 1
        self._remember()

    def remove(self, pool: AgentPool) -> None:
        del self.pools[pool.name]
        if not pool.spot:
            self.region.used[pool.type.family] -= pool.type.vcpus
        if pool.vm is not None:
            self.machine_factory.remove(pool.vm)
        self.sim.tell(ACTOR, "the pool is gone", pool.name)
        self._remember()

    def add(self, pool: AgentPool) -> None:
        self.pools[pool.name] = pool
        if not pool.spot:
            self.region.used[pool.type.family] += pool.type.vcpus
        self._remember()

    def pools_of(self, uid: str) -> tuple[AgentPool, ...]:
        """The pools of a claim, by its uid."""
        return tuple(pool for pool in self.pools.values() if pool.uid == uid and not pool.foreign)

    def cancel_operations(self) -> None:
        """Cancel the operations in flight, as a stop of the cluster does."""
        for pool in list(self.pools.values()):
            if pool.state in (PoolState.CREATING, PoolState.UPDATING):
                self._set(pool, PoolState.CANCELED, LaunchRefused(Reason.LAUNCH_FAILED, "Canceled"))

    def set_reported_states(self, states: Mapping[str, PoolState | None]) -> None:
        for name, state in states.items():
            if name in self.pools:
                self.pools[name].reported_state = state
        self._remember()

    def _refuse_while_unsteady(self) -> None:
        if not self.steady():
            raise PoolBusy(
                Reason.CLOUD_UNAVAILABLE, "OperationNotAllowed: the cluster is not running", 10
            )

    def _make(self, pool: AgentPool) -> None:
        self._set(pool, PoolState.CREATING, None)
        outcome = self.create_outcomes.pop(0) if self.create_outcomes else self._draw_outcome()
        if outcome.ready_after is not None:
            open_ = self.region.open_zones(pool.type, pool.zones) or pool.zones
            zone = self.sim.rng.choice(open_) if len(open_) > 1 else "".join(open_)
            pool.vm = self.machine_factory.begin(pool, outcome.ready_after, zone)
        self._ends(pool, outcome.seconds, self._failed if outcome.fails else self._succeeded)

    def _draw_outcome(self) -> CreateOutcome:
        seconds, injector = self._duration(), self.sim.injector
        if injector.strikes(Fault.CREATE_LIES):
            return CreateOutcome(seconds, True, seconds + self.sim.between(2, 75))
        if injector.strikes(Fault.CREATE_FAILS):
            return CreateOutcome(seconds, True)
        return CreateOutcome(seconds, False, max(1.0, seconds + self.sim.between(-20, 40)))

    def _duration(self) -> float:
        if self.sim.injector.strikes(Fault.CREATE_SLOW):
            return self.sim.between(240, 1200)
        least, most = self.sim.rng.choice(((2, 10), (10, 60), (60, 240)))
        return self.sim.between(least, most)

    def number(self) -> int:
        """A number that nothing else has."""
        self._operations += 1
        return self._operations

    def _ends(self, pool: AgentPool, seconds: float, end: Callable[[AgentPool], None]) -> None:
        number = pool.operation = self.number()

        def ended() -> None:
            if self.pools.get(pool.name) is pool and pool.operation == number:
                end(pool)

        self.sim.later(seconds, ended)

    def _succeeded(self, pool: AgentPool) -> None:
        self._set(pool, PoolState.SUCCEEDED, None)

    def _failed(self, pool: AgentPool) -> None:
        reason, words = self.sim.rng.choice(_LATE_FAILURES)
        self._set(pool, PoolState.FAILED, LaunchRefused(reason, words))

    def _deleted(self, pool: AgentPool) -> None:
        if self.sim.injector.strikes(Fault.DELETE_FAILS):
            self._set(pool, PoolState.FAILED, LaunchRefused(Reason.LAUNCH_FAILED, "delete failed"))
            return
        self.remove(pool)

    def _set(self, pool: AgentPool, state: PoolState, error: CloudError | None) -> None:
        pool.state, pool.error, pool.since = state, error, self.sim.now
        pool.operation = 0
        pool.version += 1
        pool.has_failed = pool.has_failed or state.failed
        if state is PoolState.SUCCEEDED and pool.succeeded is None:
            pool.succeeded = self.sim.now
        why = f" ({error.reason}: {error.message})" if error is not None else ""
        self.sim.tell(ACTOR, f"the pool is {state.value}{why}", pool.name)
        self._remember()

    def _remember(self) -> None:
        self._past.append((self.sim.now, tuple(pool.reported() for pool in self.pools.values())))
        while len(self._past) > 2 and self._past[1][0] < self.sim.now - _HISTORY_SECONDS:
            self._past.popleft()
