"""A front door: it counts its requests with the gateway's own code, and reports to each controller.

A report stream loses nothing and keeps its order while it lasts, as TCP does, and breaks when a
process or the network does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.request_context import RequestLog
from kaito.demand.v1 import demand_pb2 as pb
from tests.simulation.fault_injector import Fault
from tests.simulation.process import Process
from tests.simulation.simulation import Simulation
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.demand_service import report_of
from workspace_controller.demand.report import UnknownGateway

# The gateway reports each second. Twice the time halves the work and shows the same.
REPORT_SECONDS = 2.0


@dataclass(eq=False)
class Listener:
    """A controller's process that takes reports."""

    process: Process
    demand: CurrentDemand


@dataclass(eq=False)
class _Stream:
    listener: Listener
    revision: int = 0
    reports: int = 0
    arrives_at: float = 0.0
    is_broken: bool = False


@dataclass(eq=False)
class SimulatedGateway:
    """`listeners` are the controllers' processes by replica. `cut_off` names those that the network
    does not lead to now."""

    name: str
    sim: Simulation
    listeners: dict[str, Listener]
    is_serving: Callable[[str], bool]
    cut_off: set[str] = field(default_factory=set)
    is_up: bool = False
    _lives: int = 0
    _requests: set["asyncio.Task[None]"] = field(default_factory=set)
    _streams: dict[str, _Stream] = field(default_factory=dict)

    def start(self) -> None:
        self._lives += 1
        self.is_up = True
        self.recorder = DemandRecorder(lambda: self.sim.now)
        self._started_at = self.sim.now
        self.sim.tell(self.name, "starts")
        self.sim.later(REPORT_SECONDS, self._report, self._lives)

    def crash(self) -> None:
        """All its requests fail with it. What it has sent already still arrives."""
        self.is_up = False
        self.sim.tell(self.name, f"is killed with {len(self._requests)} requests")
        for request in list(self._requests):
            request.cancel()
        self._streams.clear()

    async def ask(self, model: str, seconds: float) -> None:
        """One request that takes so long once a replica answers it; it fails if the door does."""
        request = asyncio.ensure_future(self._answer(model, seconds))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        await asyncio.wait((request,))

    async def _answer(self, model: str, seconds: float) -> None:
        with self.recorder.track(RequestLog()) as request:
            if not self.is_serving(model):
                with request.held_for(model):
                    while not self.is_serving(model):
                        await asyncio.sleep(1)
            request.sent_to(model)
            await asyncio.sleep(seconds)

    def _report(self, life: int) -> None:
        if not self.is_up or life != self._lives:
            return
        for replica, listener in self.listeners.items():
            self._report_to(replica, listener)
        self.sim.later(REPORT_SECONDS, self._report, life)

    def _report_to(self, replica: str, listener: Listener) -> None:
        stream = self._streams.get(replica)
        if stream is None or stream.is_broken or stream.listener is not listener:
            if not listener.process.alive:
                return
            stream = self._streams[replica] = _Stream(listener)
        if replica in self.cut_off or self.sim.injector.strikes(Fault.API_LOST, 0.2):
            stream.is_broken = True
            return
        revision = self.recorder.revision
        request = pb.ReportDemandRequest(
            gateway=pb.GatewayInstance(name=self.name, epoch=f"{self._lives}"),
            uptime_seconds=self.sim.now - self._started_at,
            models=self.recorder.changed_since(stream.revision),
        )
        stream.revision = revision
        slow = self.sim.between(1, 10) if self.sim.injector.strikes(Fault.API_SLOW, 0.3) else 0.0
        stream.arrives_at = max(stream.arrives_at, self.sim.now + 0.01 + slow)
        stream.reports += 1
        delay = stream.arrives_at - self.sim.now
        self.sim.later(delay, self._deliver, stream, request, stream.reports == 1)

    def _deliver(self, stream: _Stream, request: pb.ReportDemandRequest, is_first: bool) -> None:
        process = stream.listener.process
        if not process.alive or stream.is_broken:
            return
        if process.paused:
            # The kernel keeps it. Those that follow are not delivered earlier.
            self.sim.later(1, self._deliver, stream, request, is_first)
            return
        try:
            stream.listener.demand.take(report_of(request, is_first=is_first))
        except UnknownGateway:
            self.sim.tell(self.name, f"{process.name} does not know it and gets everything")
            stream.is_broken = True
