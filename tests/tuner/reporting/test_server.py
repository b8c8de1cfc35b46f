"""TuningService over a real channel."""

from collections.abc import Iterator
from datetime import UTC, datetime

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.reporting.server import MAX_WATCHERS, SERVICE, serving
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import (
    Checkpoint,
    Divergence,
    GpuMemory,
    LostRows,
    Progress,
    PushedAdapter,
    RunState,
    TuningRun,
)
from tuner.stop_switch import StopSwitch

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = TuningRun(name="team/ws", base_model="phi", method="lora", start_time=NOW)
Get, Watch, Stop = (
    tuning_pb2.GetTuningRequest,
    tuning_pb2.WatchTuningRequest,
    tuning_pb2.StopTuningRequest,
)


@pytest.fixture
def publisher() -> StatusPublisher:
    return StatusPublisher(RUN)


@pytest.fixture
def switch() -> StopSwitch:
    return StopSwitch()


@pytest.fixture
def channel(publisher: StatusPublisher, switch: StopSwitch) -> Iterator[grpc.Channel]:
    """A channel to the service for `publisher`."""
    with (
        serving(publisher, switch, 0) as port,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel) -> tuning_pb2_grpc.TuningServiceStub:
    return tuning_pb2_grpc.TuningServiceStub(channel)


@pytest.mark.parametrize("name", ["", "team/ws"])
def test_get_returns_the_run(
    name: str, publisher: StatusPublisher, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    tuning = stub.GetTuning(Get(name=name)).tuning
    assert (tuning.name, tuning.base_model, tuning.method) == ("team/ws", "phi", "lora")
    assert tuning.state == tuning_pb2.Tuning.LOADING
    assert tuning.start_time.ToDatetime(UTC) == NOW
    assert not tuning.progress.HasField("loss")
    assert not tuning.progress.HasField("eta")
    assert not tuning.HasField("end_time")
    assert not tuning.HasField("error")
    assert not tuning.progress.HasField("eval_loss")
    assert not tuning.HasField("divergence")
    assert not tuning.HasField("lost_rows")
    assert not tuning.HasField("gpu_memory")


@pytest.mark.parametrize("call", ["GetTuning", "WatchTuning", "StopTuning"])
def test_name_of_another_run_is_not_found(
    call: str, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    request = {"GetTuning": Get, "WatchTuning": Watch, "StopTuning": Stop}[call](name="team/other")
    with pytest.raises(grpc.RpcError) as caught:
        answer = getattr(stub, call)(request)
        next(iter(answer))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "this pod tunes 'team/ws'" in str(caught.value.details())


def test_message_carries_every_field(
    publisher: StatusPublisher, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    publisher.publish(
        state=RunState.FAILED,
        end_time=NOW,
        progress=Progress(
            step=3,
            total_steps=10,
            epoch=0.5,
            loss=1.5,
            learning_rate=2e-4,
            gradient_norm=0.25,
            tokens_per_second=100.0,
            eta_seconds=61.9,
            eval_loss=1.75,
            eval_step=2,
            resumed_step=1,
        ),
        error=RunError(Reason.OUT_OF_MEMORY, "too much"),
        checkpoint=Checkpoint(2, "/mnt/results/checkpoints/checkpoint-2", NOW),
        adapter=PushedAdapter("r/a:1", "sha256:0", 7),
        divergence=Divergence(3, 5.5, 1.25, "lower it"),
        lost_rows=LostRows(90, 4, 2, {"empty": 4, "cut": 2}),
        gpu_memory=GpuMemory(12, 16),
    )
    tuning = stub.GetTuning(Get()).tuning
    assert tuning.progress.eta.seconds == 61
    assert tuning.progress.loss == 1.5
    assert (tuning.error.reason, tuning.error.message) == ("OutOfMemory", "too much")
    assert (tuning.checkpoint.step, tuning.adapter.digest) == (2, "sha256:0")
    assert tuning.checkpoint.time.ToDatetime(UTC) == NOW
    assert (tuning.progress.eval_loss, tuning.progress.eval_step) == (1.75, 2)
    assert tuning.progress.resumed_step == 1
    assert (tuning.divergence.step, tuning.divergence.lowest_loss) == (3, 1.25)
    assert (tuning.lost_rows.dropped, tuning.lost_rows.by_cause["cut"]) == (4, 2)
    assert (tuning.gpu_memory.peak_bytes, tuning.gpu_memory.total_bytes) == (12, 16)


def test_watch_ends_with_the_run(
    publisher: StatusPublisher, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    watching = iter(stub.WatchTuning(Watch()))
    assert next(watching).tuning.state == tuning_pb2.Tuning.LOADING
    publisher.publish(state=RunState.RUNNING)
    assert next(watching).tuning.state == tuning_pb2.Tuning.RUNNING
    for step in range(200):
        publisher.publish(progress=Progress(step=step))
    publisher.publish(state=RunState.SUCCEEDED)
    *_, last = watching
    assert (last.tuning.state, last.tuning.progress.step) == (tuning_pb2.Tuning.SUCCEEDED, 199)


def test_last_value_arrives_before_the_server_stops(publisher: StatusPublisher) -> None:
    with serving(publisher, StopSwitch(), 0) as port:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        watching = iter(tuning_pb2_grpc.TuningServiceStub(channel).WatchTuning(Watch()))
        next(watching)
        publisher.publish(state=RunState.PUSHING)
    assert [answer.tuning.state for answer in watching] == [tuning_pb2.Tuning.PUSHING]
    channel.close()


def test_leaving_watchers_free_their_slots(
    publisher: StatusPublisher, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    watching = [stub.WatchTuning(Watch()) for _ in range(MAX_WATCHERS)]
    for call in watching:
        next(iter(call))
    with pytest.raises(grpc.RpcError) as caught:
        next(iter(stub.WatchTuning(Watch())))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.GetTuning(Get()).tuning.name == "team/ws"
    for call in watching:
        call.cancel()
    for _ in range(200):
        try:
            assert next(iter(stub.WatchTuning(Watch()))).tuning.name == "team/ws"
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        else:
            return
    raise AssertionError("no slot became free")


def test_stop_requests_the_end_of_a_running_run(
    publisher: StatusPublisher, switch: StopSwitch, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    publisher.publish(state=RunState.SUCCEEDED)
    assert stub.StopTuning(Stop()).tuning.state == tuning_pb2.Tuning.SUCCEEDED
    assert not switch.stop_requested
    publisher.publish(state=RunState.RUNNING)
    assert stub.StopTuning(Stop()).tuning.state == tuning_pb2.Tuning.RUNNING
    assert switch.stop_requested
    assert not switch.terminated


def test_health_and_reflection_are_served(channel: grpc.Channel) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
    answer = check(health_pb2.HealthCheckRequest(service=SERVICE))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    database = ProtoReflectionDescriptorDatabase(channel)
    assert SERVICE in database.get_services()
    service = DescriptorPool(database).FindServiceByName(SERVICE)
    assert [method.name for method in service.methods] == ["GetTuning", "WatchTuning", "StopTuning"]
