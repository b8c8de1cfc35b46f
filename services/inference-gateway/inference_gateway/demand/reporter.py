"""Reports the demand to every replica of the controller.

All of them, because each serves the sums to KEDA and Prometheus, and because the one that decides
may be another one in the next second: it then knows already.
"""

import asyncio
import logging
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.demand.report_stream import ReportStream
from kaito.demand.v1 import demand_pb2 as pb
from kaito_process.outage import Outage

logger = logging.getLogger(__name__)
# How soon a new replica of the controller is found.
_RESOLVE_INTERVAL_SECONDS = 5.0


@dataclass(slots=True)
class DemandReporter:
    """`address` is host:port, whose name stands for all replicas. `name` is this gateway's own.

    A gateway that ends gives its last report `last_report_seconds`.
    """

    address: str
    recorder: DemandRecorder
    clock: Callable[[], float]
    name: str = field(default_factory=socket.gethostname)
    last_report_seconds: float = 2.0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _streams: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def run(self) -> None:
        """Reports until it is canceled; `close` comes after that."""
        gateway = pb.GatewayInstance(name=self.name, epoch=uuid.uuid4().hex)
        started_at, outage = self.clock(), Outage(logger, f"look {self.address} up")
        while True:
            try:
                targets = await self._resolve()
            except OSError as error:
                # The replicas that are known stay: the name service may only be away.
                outage.failed(error, self.clock())
            else:
                outage.ended(self.clock())
                self._follow(targets, gateway, started_at)
            await asyncio.sleep(_RESOLVE_INTERVAL_SECONDS)

    async def close(self) -> None:
        """Sends a last report to each replica, in a bounded time."""
        self._stop.set()
        streams = list(self._streams.values())
        if streams:
            await asyncio.wait(streams, timeout=self.last_report_seconds)
        for stream in streams:
            stream.cancel()
        await asyncio.gather(*streams, return_exceptions=True)

    def _follow(self, targets: set[str], gateway: pb.GatewayInstance, started_at: float) -> None:
        for target in self._streams.keys() - targets:
            self._streams.pop(target).cancel()
        for target in sorted(targets - self._streams.keys()):
            stream = ReportStream(target, gateway, self.recorder, started_at, self._stop)
            self._streams[target] = asyncio.create_task(stream.run())

    async def _resolve(self) -> set[str]:
        """ip:port of each replica.

        Raises:
            OSError: the name is not known, or nobody can say.
        """
        host, _, port = self.address.rpartition(":")
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        return {_target(family, sockaddr[0], int(port)) for family, *_, sockaddr in found}


def _target(family: int, ip: object, port: int) -> str:
    return f"[{ip}]:{port}" if family == socket.AF_INET6 else f"{ip}:{port}"
