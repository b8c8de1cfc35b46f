"""The `CloudProvider` of one process: ARM through a network and a front that have faults."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from gpu_provisioner.cloud.availability import Availability
from gpu_provisioner.cloud.cluster_state import ClusterState
from gpu_provisioner.cloud.errors import CloudError, CloudUnavailable, PoolBusy, Unauthorized
from gpu_provisioner.cloud.pools import Pool, PoolListing, PoolSpec
from kaito_api.reasons import Reason
from kaito_kube.clock import Clock
from tests.simulation.arm import Arm
from tests.simulation.power import ClusterPower
from tests.simulation.process import ARM, Process
from tests.simulation.stage import Stage
from tests.simulation.weather import Fault
from tests.simulation.wire import Answer, Ask, Way, Wire


class Witness(Protocol):
    """Sees what a process sets out to do, and what it is told: one that left hears nothing."""

    def asks_arm(self, process: Process, lane: str, about: str) -> None: ...

    def deletes_pool(self, who: str, name: str) -> None: ...

    def makes_pool(self, who: str, spec: PoolSpec) -> None: ...

    def throttled(self, process: Process, lane: str, seconds: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Azure:
    """The truth behind every process's calls."""

    arm: Arm
    power: ClusterPower


class ArmClient:
    """`clock` is the process' own, by which it knows when it asked."""

    def __init__(
        self, stage: Stage, azure: Azure, process: Process, clock: Clock, witness: Witness
    ) -> None:
        self._stage = stage
        self._azure = azure
        self._process = process
        self._clock = clock
        self._witness = witness
        self._wire = Wire(stage, process, ARM, _silence)

    async def create(self, spec: PoolSpec) -> Pool:
        def effect() -> Pool:
            self._witness.makes_pool(self._process.name, spec)
            return self._azure.arm.create(spec)

        what = f"create pool {spec.name} of {spec.instance_type}"
        return await self._call(Ask(what, spec.name, True, danger=4.0), effect)

    async def get(self, name: str) -> Pool:
        ask = Ask(f"get pool {name}", name, danger=1.0)
        return await self._call(ask, lambda: self._azure.arm.get(name))

    async def list(self) -> PoolListing:
        age = 0.0
        if self._stage.weather.strikes(Fault.STALE_POOLS):
            age = self._stage.between(1, 20)
        old = f", {age:.0f} s old" if age else ""
        ask, asked = Ask(f"list pools{old}", danger=0.02), self._clock.now()
        return PoolListing(await self._call(ask, lambda: self._azure.arm.list(age)), asked)

    async def delete(self, name: str) -> None:
        self._process.check()
        self._witness.deletes_pool(self._process.name, name)
        ask = Ask(f"delete pool {name}", name, True, danger=4.0)
        await self._call(ask, lambda: self._azure.arm.delete(name))

    async def cluster(self) -> ClusterState:
        return await self._call(Ask("get cluster"), self._azure.power.told)

    async def newest_image(self, name: str) -> str:
        ask = Ask(f"get the newest image of {name}", name)
        return await self._call(ask, lambda: self._azure.arm.get(name).image)

    async def availability(self) -> Availability:
        asked = self._clock.now()
        found = await self._call(Ask("list market"), self._azure.arm.region.market)
        return replace(found, requested_at=asked)

    async def _call(self, ask: Ask, effect: Callable[[], Answer]) -> Answer:
        self._process.check()
        self._witness.asks_arm(self._process, _lane(ask), ask.about)
        try:
            return await self._wire.call(ask, self._way(ask), effect)
        except CloudUnavailable as error:
            if error.retry_after_seconds is not None:
                self._witness.throttled(self._process, _lane(ask), error.retry_after_seconds)
            raise

    def _way(self, ask: Ask) -> Way:
        weather, stage = self._stage.weather, self._stage
        slow = stage.between(1, 30) if weather.strikes(Fault.ARM_SLOW) else 0.0
        there, back = stage.between(0.02, 0.2) + slow, stage.between(0.02, 0.2)
        loss: Exception | None = None
        if ask.writes and weather.strikes(Fault.ARM_LOST):
            loss = CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "connection cut")
        return Way(there, back, self._refusal(ask), loss)

    def _refusal(self, ask: Ask) -> CloudError | None:
        weather, stage = self._stage.weather, self._stage
        if weather.strikes(Fault.ARM_REFUSED):
            return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure answered 503")
        if weather.strikes(Fault.ARM_THROTTLED):
            seconds = float(stage.rng.randint(5, 60))
            return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "Azure answered 429", seconds)
        if weather.strikes(Fault.ARM_UNAUTHORIZED):
            return Unauthorized(Reason.CLOUD_UNAUTHORIZED, "AuthorizationFailed")
        if ask.writes and weather.strikes(Fault.ARM_BUSY):
            return PoolBusy(Reason.CLOUD_UNAVAILABLE, "OperationNotAllowed: in progress", 5.0)
        return None


def _lane(ask: Ask) -> str:
    """ARM counts reads, writes and deletes apart."""
    if not ask.writes:
        return "reads"
    return "deletes" if ask.what.startswith("delete") else "writes"


def _silence() -> Exception:
    return CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no answer")
