"""Reports to one replica of the controller, for as long as its connection lasts."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from inference_gateway.demand.recorder import DemandRecorder
from kaito.demand.v1 import demand_pb2 as pb
from kaito.demand.v1 import demand_pb2_grpc
from kaito_grpc.channels import open_channel
from kaito_process.backoff import Backoff
from kaito_process.retry import retry_until_done

logger = logging.getLogger(__name__)
# The stubs carry no types.
_Call = Any
INTERVAL_SECONDS = 1.0
# A controller that does not answer for so long is connected to again.
_ANSWER_TIMEOUT_SECONDS = 10.0
# The controller's successor is there within seconds, and remembers nothing.
_MAX_PAUSE_SECONDS = 10.0


class StreamEnded(Exception):
    """The controller ended the stream, or did not answer."""


@dataclass(slots=True)
class ReportStream:
    """`target` is host:port of one replica. `stop` lets the stream end with a last report."""

    target: str
    gateway: pb.GatewayInstance
    recorder: DemandRecorder
    started_at: float
    stop: asyncio.Event
    interval_seconds: float = INTERVAL_SECONDS

    async def run(self) -> None:
        """Reports until `stop` is set, and connects again after each failure."""
        await retry_until_done(
            self._report_until_stopped,
            Exception,
            f"report the demand to {self.target}",
            logger,
            Backoff(max_seconds=_MAX_PAUSE_SECONDS),
        )

    async def _report_until_stopped(self) -> None:
        """One stream. The first message has all models, because its reader may know none.

        Raises:
            StreamEnded: the controller ended it, or does not answer.
            grpc.aio.AioRpcError: the connection is lost, or the controller refuses the report.
        """
        async with open_channel(self.target) as channel:
            call = demand_pb2_grpc.DemandServiceStub(channel).ReportDemand()
            sent_revision = -1
            while True:
                stopping, revision = self.stop.is_set(), self.recorder.revision
                await self._exchange(call, self._report(sent_revision, last=stopping))
                if sent_revision < 0:
                    logger.info("reporting the demand", extra={"controller": self.target})
                sent_revision = revision
                if stopping:
                    await call.done_writing()
                    return
                await self._wait()

    async def _exchange(self, call: _Call, report: pb.ReportDemandRequest) -> None:
        try:
            async with asyncio.timeout(_ANSWER_TIMEOUT_SECONDS):
                await call.write(report)
                answer = await call.read()
        except TimeoutError:
            raise StreamEnded(f"no answer within {_ANSWER_TIMEOUT_SECONDS:g} s") from None
        if not isinstance(answer, pb.ReportDemandResponse):
            raise StreamEnded("the controller ended the stream")

    async def _wait(self) -> None:
        """Until the next report is due. The last one is, as soon as there is to be one."""
        try:
            async with asyncio.timeout(self.interval_seconds):
                await self.stop.wait()
        except TimeoutError:
            pass

    def _report(self, revision: int, *, last: bool) -> pb.ReportDemandRequest:
        return pb.ReportDemandRequest(
            gateway=self.gateway,
            uptime_seconds=self.recorder.clock() - self.started_at,
            models=self.recorder.changed_since(revision),
            last=last,
        )
