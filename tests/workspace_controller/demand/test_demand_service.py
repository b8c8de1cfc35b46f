"""Gateways report over gRPC, and a wrong report is refused with its field."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from kaito.demand.v1 import demand_pb2 as pb
from kaito.demand.v1 import demand_pb2_grpc
from kaito_grpc.channels import open_channel
from kaito_kube.store import Store
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.server import serving

DOOR = pb.GatewayInstance(name="door-1", epoch="a")
PHI = pb.ModelDemand(model="n/phi", arrived=3, finished=1, held=1)


@pytest.fixture
def current() -> CurrentDemand:
    return CurrentDemand()


@pytest.fixture
async def stub(current: CurrentDemand) -> AsyncIterator[demand_pb2_grpc.DemandServiceStub]:
    async with (
        serving(current, Store(), 0) as port,
        open_channel(f"localhost:{port}") as channel,
    ):
        yield demand_pb2_grpc.DemandServiceStub(channel)


async def test_reports_are_answered_and_summed_up(
    stub: demand_pb2_grpc.DemandServiceStub, current: CurrentDemand
) -> None:
    call = stub.ReportDemand()
    for uptime in (1.0, 2.0):
        await call.write(pb.ReportDemandRequest(gateway=DOOR, uptime_seconds=uptime, models=[PHI]))
        assert (await call.read()).uptime_seconds == uptime
    assert (current.sums().held("n/phi"), current.sums().in_flight("n/phi")) == (1, 1)
    await call.write(pb.ReportDemandRequest(gateway=DOOR, uptime_seconds=3.0, last=True))
    await call.read()
    assert not current.sums().is_known


async def test_the_end_of_a_stream_alone_forgets_nothing(
    stub: demand_pb2_grpc.DemandServiceStub, current: CurrentDemand
) -> None:
    call = stub.ReportDemand()
    await call.write(pb.ReportDemandRequest(gateway=DOOR, uptime_seconds=1.0, models=[PHI]))
    await call.read()
    await call.done_writing()
    assert await call.read() == grpc.aio.EOF
    assert current.sums().held("n/phi") == 1


async def test_a_gateway_that_the_controller_does_not_know_any_more_begins_again(
    stub: demand_pb2_grpc.DemandServiceStub,
) -> None:
    call, other = stub.ReportDemand(), stub.ReportDemand()
    await call.write(pb.ReportDemandRequest(gateway=DOOR, uptime_seconds=1.0))
    await call.read()
    successor = pb.GatewayInstance(name="door-1", epoch="b")
    await other.write(pb.ReportDemandRequest(gateway=successor, uptime_seconds=1.0))
    await other.read()
    await call.write(pb.ReportDemandRequest(gateway=DOOR, uptime_seconds=2.0))
    with pytest.raises(grpc.aio.AioRpcError, match="begin a new stream with a full report"):
        await call.read()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gateway": pb.GatewayInstance(epoch="a")}, "gateway.name has 0 characters"),
        ({"gateway": pb.GatewayInstance(name="d")}, "gateway.epoch has 0 characters"),
        ({"uptime_seconds": float("nan")}, "uptime_seconds is nan"),
        ({"uptime_seconds": -1.0}, "uptime_seconds is -1.0"),
        ({"models": [PHI, PHI]}, "models names a model twice"),
        ({"models": [pb.ModelDemand(model="phi")]}, "models has 'phi': not namespace/name"),
        ({"models": [pb.ModelDemand(model="n/phi", finished=1)]}, "contradict each other"),
        ({"models": [pb.ModelDemand(model="n/phi", held=1)]}, "contradict each other"),
        (
            {"models": [pb.ModelDemand(model="n/phi", request_seconds=float("inf"))]},
            "n/phi: request_seconds is inf",
        ),
        (
            {"models": [pb.ModelDemand(model="n/phi", request_seconds=1e300)]},
            "n/phi: request_seconds is 1e+300: 0 to 9007199254740992",
        ),
        (
            {"models": [pb.ModelDemand(model="n/phi", arrived=2**64 - 1)]},
            "n/phi: arrived is 18446744073709551615: 0 to",
        ),
    ],
)
async def test_a_report_that_breaks_the_contract_is_refused(
    stub: demand_pb2_grpc.DemandServiceStub,
    current: CurrentDemand,
    changes: dict[str, Any],
    message: str,
) -> None:
    fields: dict[str, Any] = {"gateway": DOOR, "uptime_seconds": 1.0, **changes}
    call = stub.ReportDemand()
    await call.write(pb.ReportDemandRequest(**fields))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert message in str(caught.value.details())
    assert not current.sums().is_known
