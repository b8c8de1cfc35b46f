"""Takes the reports of gateways over gRPC (kaito.demand.v1)."""

from collections.abc import AsyncIterator
from typing import Any

import grpc

from kaito.demand.v1 import demand_pb2 as pb
from kaito.demand.v1 import demand_pb2_grpc
from workspace_controller.demand.counters import Counters
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.report import InvalidReport, Report, UnknownGateway, check

_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_PRECONDITION = grpc.StatusCode.FAILED_PRECONDITION


class DemandService(demand_pb2_grpc.DemandServiceServicer):
    def __init__(self, current: CurrentDemand) -> None:
        self._current = current

    async def ReportDemand(  # noqa: N802
        self, requests: AsyncIterator[pb.ReportDemandRequest], context: Any
    ) -> AsyncIterator[pb.ReportDemandResponse]:
        is_first = True
        async for request in requests:
            try:
                self._current.take(report_of(request, is_first=is_first))
            except InvalidReport as error:
                await context.abort(_INVALID, str(error))
            except UnknownGateway:
                await context.abort(_PRECONDITION, "begin a new stream with a full report")
            is_first = False
            yield pb.ReportDemandResponse(uptime_seconds=request.uptime_seconds)


def report_of(request: pb.ReportDemandRequest, *, is_first: bool) -> Report:
    """The report as a value.

    Raises:
        InvalidReport: it breaks the contract.
    """
    models = {each.model: _counters(each) for each in request.models}
    if len(models) != len(request.models):
        raise InvalidReport("models names a model twice")
    report = Report(
        gateway=request.gateway.name,
        epoch=request.gateway.epoch,
        uptime_seconds=request.uptime_seconds,
        models=models,
        first=is_first,
        last=request.last,
    )
    check(report)
    return report


def _counters(model: pb.ModelDemand) -> Counters:
    return Counters(
        arrived=model.arrived,
        finished=model.finished,
        held=model.held,
        request_seconds=model.request_seconds,
        prompt_tokens=model.prompt_tokens,
        completion_tokens=model.completion_tokens,
        first_tokens=model.first_tokens,
        first_token_seconds=model.first_token_seconds,
    )
