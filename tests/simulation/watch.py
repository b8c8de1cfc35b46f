"""A watch of one process: delayed events in order, until the stream ends."""

import asyncio
from collections import deque

from kaito_kube.cluster import WatchEvent
from kaito_kube.errors import Expired, Unavailable
from kaito_kube.fake import Event
from kaito_kube.kinds import Kind
from tests.simulation.api_server import ApiServer
from tests.simulation.fault_injector import Fault
from tests.simulation.process import API, Process
from tests.simulation.simulation import Simulation


class Watch:
    def __init__(self, sim: Simulation, server: ApiServer, process: Process, kind: Kind) -> None:
        self._sim = sim
        self._process = process
        self._kind = kind
        self._arrived: deque[WatchEvent] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._end: Exception | None = None
        self._ended = False
        self._last_arrival = 0.0
        self._unlisten = server.listen(self._happened)
        process.connections[self] = None

    def begin(self, events: list[Event]) -> None:
        for event in events:
            self._happened(event)

    async def next(self) -> WatchEvent | None:
        """The next event, or None at the regular end of the stream.

        Raises:
            Unavailable: the connection was cut.
            Expired: the resource version is too old.
        """
        while not self._arrived:
            if self._ended:
                if self._end is not None:
                    raise self._end
                return None
            self._waiter = self._sim.loop.create_future()
            await self._waiter
        return self._arrived.popleft()

    def close(self) -> None:
        if self in self._process.connections:
            del self._process.connections[self]
            self._unlisten()

    def reset(self) -> None:
        self._finish(Unavailable("connection reset"))

    def end(self) -> None:
        """End the stream regularly, as the server does with every watch after some minutes."""
        self._finish(None)

    def _happened(self, event: Event) -> None:
        if event.kind is not self._kind or self._ended:
            return
        injector, sim = self._sim.injector, self._sim
        if injector.strikes(Fault.WATCH_CUT):
            self._finish(sim.rng.choice((None, Unavailable("stream cut"), Expired("too old"))))
            return
        delay = sim.between(0.002, 0.05)
        if injector.strikes(Fault.WATCH_LATE):
            delay += sim.between(0.5, 20)
        self._last_arrival = max(self._last_arrival, sim.now + delay)
        sim.later(self._last_arrival - sim.now, self._arrive, event.change)
        if injector.strikes(Fault.WATCH_TWICE):
            sim.later(self._last_arrival - sim.now, self._arrive, event.change)

    def _arrive(self, change: WatchEvent) -> None:
        if API in self._process.disconnected_from or self._ended:
            return
        self._arrived.append(change)
        self._wake()

    def _finish(self, error: Exception | None) -> None:
        if not self._ended:
            self._ended, self._end = True, error
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
