"""KEDA's contract, with a client generated from its proto."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from externalscaler import externalscaler_pb2 as pb
from externalscaler import externalscaler_pb2_grpc
from kaito_grpc.channels import open_channel
from kaito_kube.kinds import INFERENCE_SET
from kaito_kube.store import Store
from tests.workspace_controller.given import NAMESPACE
from tests.workspace_controller.inference_sets.given_sets import inference_set
from workspace_controller.demand.counters import Counters
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.report import Report
from workspace_controller.demand.server import serving

MODEL = f"{NAMESPACE}/phi"


@dataclass
class Keda:
    """KEDA's side, with the controller's current behind it."""

    stub: externalscaler_pb2_grpc.ExternalScalerStub
    current: CurrentDemand
    uptime: float = 0.0

    def report(self, arrived: int, finished: int, seconds: float = 0.0, held: int = 0) -> None:
        """A gateway's report one second after the last one."""
        self.uptime += 1
        counters = Counters(arrived=arrived, finished=finished, held=held, request_seconds=seconds)
        self.current.take(
            Report(
                gateway="door-1",
                epoch="a",
                uptime_seconds=self.uptime,
                models={MODEL: counters},
                first=self.uptime == 1,
            )
        )


@pytest.fixture
async def keda() -> AsyncIterator[Keda]:
    store, current = Store(), CurrentDemand()
    store.replace_all(
        INFERENCE_SET,
        [
            inference_set(),
            inference_set("scaled", autoscaling={"maxReplicas": 3}),
        ],
    )
    async with serving(current, store, 0) as port, open_channel(f"localhost:{port}") as channel:
        yield Keda(externalscaler_pb2_grpc.ExternalScalerStub(channel), current)


def trigger(**metadata: str) -> pb.ScaledObjectRef:
    return pb.ScaledObjectRef(
        name="phi-scaler",
        namespace=NAMESPACE,
        scalerMetadata={"inferenceSet": "phi", **metadata},
    )


async def _value(keda: Keda) -> float:
    request = pb.GetMetricsRequest(scaledObjectRef=trigger(), metricName="kaito-requests")
    (value,) = (await keda.stub.GetMetrics(request)).metricValues
    assert value.metricName == "kaito-requests"
    return float(value.metricValueFloat)


async def test_the_metric_is_the_requests_at_once(keda: Keda) -> None:
    keda.report(3, 0, held=1)
    assert (await keda.stub.IsActive(trigger())).result
    assert await _value(keda) == 3.0


async def test_requests_between_two_polls_count(keda: Keda) -> None:
    keda.report(0, 0)
    keda.current.mark()
    keda.current.mark()
    keda.report(4, 4, seconds=0.5)
    assert await _value(keda) == 0.5
    assert (await keda.stub.IsActive(trigger())).result


async def test_the_target_is_the_triggers(keda: Keda) -> None:
    (spec,) = (await keda.stub.GetMetricSpec(trigger(targetRequests="2.5"))).metricSpecs
    assert (spec.metricName, spec.targetSize, spec.targetSizeFloat) == ("kaito-requests", 2, 2.5)
    (spec,) = (await keda.stub.GetMetricSpec(trigger())).metricSpecs
    assert spec.targetSizeFloat == 16


async def test_activity_is_pushed_when_it_changes(keda: Keda) -> None:
    keda.report(0, 0)
    stream = keda.stub.StreamIsActive(trigger())
    assert (await stream.read()).result is False
    keda.report(1, 0)
    assert (await stream.read()).result is True
    keda.report(1, 1, seconds=0.5)
    keda.current.mark()
    keda.current.mark()
    keda.report(1, 1, seconds=0.5)
    assert (await stream.read()).result is False


@pytest.mark.parametrize(
    ("metadata", "code", "message"),
    [
        ({"inferenceSet": ""}, "INVALID_ARGUMENT", "metadata.inferenceSet is missing"),
        ({"targetRequests": "many"}, "INVALID_ARGUMENT", "metadata.targetRequests is 'many'"),
        ({"targetRequests": "0"}, "INVALID_ARGUMENT", "metadata.targetRequests is '0'"),
        ({"inferenceSet": "phy"}, "NOT_FOUND", f"there is no InferenceSet {NAMESPACE}/phy"),
        ({"inferenceSet": "scaled"}, "FAILED_PRECONDITION", "has spec.autoscaling: remove it"),
        ({}, "UNAVAILABLE", "no front door reports its requests"),
    ],
)
async def test_a_trigger_that_cannot_be_served_is_refused(
    keda: Keda, metadata: dict[str, str], code: str, message: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await keda.stub.IsActive(trigger(**metadata))
    assert caught.value.code().name == code
    assert message in str(caught.value.details())


async def test_a_replica_that_has_not_listed_the_sets_knows_of_none() -> None:
    """Not NOT_FOUND: KEDA asks any replica, also one that has just started."""
    async with (
        serving(CurrentDemand(), Store(), 0) as port,
        open_channel(f"localhost:{port}") as channel,
    ):
        stub = externalscaler_pb2_grpc.ExternalScalerStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.IsActive(trigger())
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_another_metric_is_refused(keda: Keda) -> None:
    request = pb.GetMetricsRequest(scaledObjectRef=trigger(), metricName="tokens")
    with pytest.raises(grpc.aio.AioRpcError, match="metric 'tokens': it is kaito-requests"):
        await keda.stub.GetMetrics(request)
