"""One watch of one process: events in order, each with its delay, until the stream is cut."""

import asyncio
from collections import deque

from kaito_kube.cluster import WatchEvent
from kaito_kube.errors import Expired, Unavailable
from kaito_kube.fake import Event
from kaito_kube.kinds import Kind
from tests.simulation.api_server import ApiServer
from tests.simulation.process import API, Process
from tests.simulation.stage import Stage
from tests.simulation.weather import Fault


class Watch:
    def __init__(self, stage: Stage, server: ApiServer, process: Process, kind: Kind) -> None:
        self._stage = stage
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
        """The next change; None at the stream's orderly end. Raises what cut it."""
        while not self._arrived:
            if self._ended:
                if self._end is not None:
                    raise self._end
                return None
            self._waiter = self._stage.loop.create_future()
            await self._waiter
        return self._arrived.popleft()

    def close(self) -> None:
        if self in self._process.connections:
            del self._process.connections[self]
            self._unlisten()

    def breaks(self) -> None:
        self._finish(Unavailable("connection reset"))

    def end(self) -> None:
        """As the server ends every watch after some minutes."""
        self._finish(None)

    def _happened(self, event: Event) -> None:
        if event.kind is not self._kind or self._ended:
            return
        weather, stage = self._stage.weather, self._stage
        if weather.strikes(Fault.WATCH_CUT):
            self._finish(stage.rng.choice((None, Unavailable("stream cut"), Expired("too old"))))
            return
        delay = stage.between(0.002, 0.05)
        if weather.strikes(Fault.WATCH_LATE):
            delay += stage.between(0.5, 20)
        self._last_arrival = max(self._last_arrival, stage.now + delay)
        stage.later(self._last_arrival - stage.now, self._arrive, event.change)
        if weather.strikes(Fault.WATCH_TWICE):
            stage.later(self._last_arrival - stage.now, self._arrive, event.change)

    def _arrive(self, change: WatchEvent) -> None:
        if API in self._process.cut_off or self._ended:
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
