"""A controller that takes a gateway's reports, on a loopback port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from kaito.demand.v1 import demand_pb2 as pb
from kaito.demand.v1 import demand_pb2_grpc
from kaito_grpc.servers import create_server


@dataclass
class FakeController(demand_pb2_grpc.DemandServiceServicer):
    """Keeps what it gets, stream by stream. It ends each of the first `cuts` streams at once."""

    cuts: int = 0
    streams: list[list[pb.ReportDemandRequest]] = field(default_factory=list)
    ended: list[bool] = field(default_factory=list)

    async def ReportDemand(  # noqa: N802
        self, requests: Any, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[pb.ReportDemandResponse]:
        reports: list[pb.ReportDemandRequest] = []
        self.streams.append(reports)
        async for report in requests:
            reports.append(report)
            if len(self.streams) <= self.cuts:
                return
            yield pb.ReportDemandResponse(uptime_seconds=report.uptime_seconds)
        self.ended.append(True)


@asynccontextmanager
async def listening(controller: FakeController) -> AsyncIterator[int]:
    server = create_server()
    demand_pb2_grpc.add_DemandServiceServicer_to_server(controller, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(None)
