"""The `CloudProvider` of one process: ARM behind a faulty network and a faulty front end."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolBusy, Unauthorized
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from tests.simulation.arm import Arm
from tests.simulation.call_rates import CallRates
from tests.simulation.fault_injector import Fault
from tests.simulation.power import ClusterPower
from tests.simulation.process import ARM, Process
from tests.simulation.simulation import Simulation
from tests.simulation.transport import Delivery, Request, Result, Transport


class CallObserver(Protocol):
    """Is notified of every call that a process makes, and of throttling."""

    @property
    def rates(self) -> CallRates: ...

    def on_pool_delete(self, who: str, name: str) -> None: ...

    def on_pool_mark(self, who: str, name: str, marks: Marks) -> None: ...

    def on_pool_create(self, who: str, spec: PoolSpec) -> None: ...


@dataclass(frozen=True, slots=True)
class Azure:
    """The true state behind the calls of every process."""

    arm: Arm
    power: ClusterPower


class ArmClient:
    """`clock` is the process's own clock, which timestamps its calls."""

    def __init__(
        self, sim: Simulation, azure: Azure, process: Process, clock: Clock, observer: CallObserver
    ) -> None:
        self._sim = sim
        self._azure = azure
        self._process = process
        self._clock = clock
        self._observer = observer
        self._transport = Transport(sim, process, ARM, _no_response)

    async def create(self, spec: PoolSpec) -> Pool:
        def effect() -> Pool:
            self._observer.on_pool_create(self._process.name, spec)
            return self._azure.arm.create(spec)

        what = f"create pool {spec.name} of {spec.instance_type}"
        return await self._call(Request(what, spec.name, True, crash_factor=4.0), effect)

    async def get(self, name: str) -> Pool:
        request = Request(f"get pool {name}", name, crash_factor=1.0)
        return await self._call(request, lambda: self._azure.arm.get(name))

    async def list(self) -> PoolListing:
        age = 0.0
        if self._sim.injector.strikes(Fault.STALE_POOLS):
            age = self._sim.between(1, 20)
        old = f", {age:.0f} s old" if age else ""
        request, asked = Request(f"list pools{old}", crash_factor=0.02), self._clock.now()
        return PoolListing(await self._call(request, lambda: self._azure.arm.list(age)), asked)

    async def add_marks(self, pool: Pool, marks: Marks) -> Pool:
        def effect() -> Pool:
            found = self._azure.arm.add_marks(pool, marks)
            self._observer.on_pool_mark(self._process.name, pool.name, marks)
            return found

        request = Request(f"mark pool {pool.name}", pool.name, True, crash_factor=1.0)
        return await self._call(request, effect)

    async def delete(self, name: str, *, ignore_budgets: bool = False, etag: str = "") -> None:
        self._process.check()
        self._observer.on_pool_delete(self._process.name, name)
        request = Request(f"delete pool {name}", name, True, crash_factor=4.0)
        await self._call(request, lambda: self._azure.arm.delete(name, etag))

    async def cluster(self) -> ClusterState:
        return await self._call(Request("get cluster"), self._azure.power.reported)

    async def newest_image(self, name: str) -> str:
        request = Request(f"get the newest image of {name}", name)
        return await self._call(request, lambda: self._azure.arm.get(name).image)

    async def availability(self) -> Availability:
        asked = self._clock.now()
        found = await self._call(Request("list availability"), self._azure.arm.region.availability)
        return replace(found, requested_at=asked)

    async def _call(self, request: Request, effect: Callable[[], Result]) -> Result:
        self._process.check()
        self._observer.rates.on_arm_call(self._process, _lane(request), request.about)
        try:
            return await self._transport.call(request, self._delivery(request), effect)
        except CloudUnavailable as error:
            if error.retry_after_seconds is not None:
                self._observer.rates.on_throttled(
                    self._process, _lane(request), error.retry_after_seconds
                )
            raise

    def _delivery(self, request: Request) -> Delivery:
        injector, sim = self._sim.injector, self._sim
        slow = sim.between(1, 30) if injector.strikes(Fault.ARM_SLOW) else 0.0
        there, back = sim.between(0.02, 0.2) + slow, sim.between(0.02, 0.2)
        loss: Exception | None = None
        if request.writes and injector.strikes(Fault.ARM_LOST):
            loss = CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "connection cut")
        return Delivery(there, back, self._refusal(request), loss)

    def _refusal(self, request: Request) -> CloudError | None:
        injector, sim = self._sim.injector, self._sim
        if injector.strikes(Fault.ARM_REFUSED):
            return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure answered 503")
        if injector.strikes(Fault.ARM_THROTTLED):
            seconds = float(sim.rng.randint(5, 60))
            return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure answered 429", seconds)
        if injector.strikes(Fault.ARM_UNAUTHORIZED):
            return Unauthorized(Reason.CLOUD_UNAUTHORIZED, "AuthorizationFailed")
        if request.writes and injector.strikes(Fault.ARM_BUSY):
            return PoolBusy(Reason.CLOUD_UNAVAILABLE, "OperationNotAllowed: in progress", 5.0)
        return None


def _lane(request: Request) -> str:
    """ARM limits reads, writes and deletes separately."""
    if not request.writes:
        return "reads"
    return "deletes" if request.what.startswith("delete") else "writes"


def _no_response() -> Exception:
    return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no answer")
