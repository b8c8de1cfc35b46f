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
from tuner.reporting.board import Board
from tuner.reporting.run import Checkpoint, Progress, Pushed, Run, State
from tuner.reporting.server import SERVICE, WATCHERS, serving
from tuner.stop import StopSwitch

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUN = Run(name="team/ws", base_model="phi", method="lora", start_time=NOW)
Get, Watch, Stop = (
    tuning_pb2.GetTuningRequest,
    tuning_pb2.WatchTuningRequest,
    tuning_pb2.StopTuningRequest,
)


@pytest.fixture
def board() -> Board:
    return Board(RUN)


@pytest.fixture
def switch() -> StopSwitch:
    return StopSwitch()


@pytest.fixture
def channel(board: Board, switch: StopSwitch) -> Iterator[grpc.Channel]:
    """A channel to the service over `board`."""
    with serving(board, switch, 0) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


@pytest.fixture
def stub(channel: grpc.Channel) -> tuning_pb2_grpc.TuningServiceStub:
    return tuning_pb2_grpc.TuningServiceStub(channel)


@pytest.mark.parametrize("name", ["", "team/ws"])
def test_get(name: str, board: Board, stub: tuning_pb2_grpc.TuningServiceStub) -> None:
    tuning = stub.GetTuning(Get(name=name)).tuning
    assert (tuning.name, tuning.base_model, tuning.method) == ("team/ws", "phi", "lora")
    assert tuning.state == tuning_pb2.Tuning.LOADING
    assert tuning.start_time.ToDatetime(UTC) == NOW
    assert not tuning.progress.HasField("loss")
    assert not tuning.progress.HasField("eta")
    assert not tuning.HasField("end_time")
    assert not tuning.HasField("error")


@pytest.mark.parametrize("call", ["GetTuning", "WatchTuning", "StopTuning"])
def test_another_run(call: str, stub: tuning_pb2_grpc.TuningServiceStub) -> None:
    request = {"GetTuning": Get, "WatchTuning": Watch, "StopTuning": Stop}[call](name="team/other")
    with pytest.raises(grpc.RpcError) as caught:
        answer = getattr(stub, call)(request)
        next(iter(answer))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    assert "this pod tunes 'team/ws'" in str(caught.value.details())


def test_everything_is_carried(board: Board, stub: tuning_pb2_grpc.TuningServiceStub) -> None:
    board.post(
        state=State.FAILED,
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
        ),
        error=RunError(Reason.OUT_OF_MEMORY, "too much"),
        checkpoint=Checkpoint(2, "/mnt/results/checkpoints/checkpoint-2", NOW),
        adapter=Pushed("r/a:1", "sha256:0", 7),
    )
    tuning = stub.GetTuning(Get()).tuning
    assert tuning.progress.eta.seconds == 61
    assert tuning.progress.loss == 1.5
    assert (tuning.error.reason, tuning.error.message) == ("OutOfMemory", "too much")
    assert (tuning.checkpoint.step, tuning.adapter.digest) == (2, "sha256:0")
    assert tuning.checkpoint.time.ToDatetime(UTC) == NOW


def test_watching_to_the_end(board: Board, stub: tuning_pb2_grpc.TuningServiceStub) -> None:
    watching = iter(stub.WatchTuning(Watch()))
    assert next(watching).tuning.state == tuning_pb2.Tuning.LOADING
    board.post(state=State.RUNNING)
    assert next(watching).tuning.state == tuning_pb2.Tuning.RUNNING
    for step in range(200):
        board.post(progress=Progress(step=step))
    board.post(state=State.SUCCEEDED)
    *_, last = watching
    assert (last.tuning.state, last.tuning.progress.step) == (tuning_pb2.Tuning.SUCCEEDED, 199)


def test_the_last_value_arrives_before_the_server_goes(board: Board) -> None:
    with serving(board, StopSwitch(), 0) as port:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        watching = iter(tuning_pb2_grpc.TuningServiceStub(channel).WatchTuning(Watch()))
        next(watching)
        board.post(state=State.PUSHING)
    assert [answer.tuning.state for answer in watching] == [tuning_pb2.Tuning.PUSHING]
    channel.close()


def test_watchers_that_leave_make_room(
    board: Board, stub: tuning_pb2_grpc.TuningServiceStub
) -> None:
    watching = [stub.WatchTuning(Watch()) for _ in range(WATCHERS)]
    for one in watching:
        next(iter(one))
    with pytest.raises(grpc.RpcError) as caught:
        next(iter(stub.WatchTuning(Watch())))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.GetTuning(Get()).tuning.name == "team/ws"
    for one in watching:
        one.cancel()
    for _ in range(200):
        try:
            assert next(iter(stub.WatchTuning(Watch()))).tuning.name == "team/ws"
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        else:
            return
    raise AssertionError("no place became free")


def test_stop(board: Board, switch: StopSwitch, stub: tuning_pb2_grpc.TuningServiceStub) -> None:
    board.post(state=State.SUCCEEDED)
    assert stub.StopTuning(Stop()).tuning.state == tuning_pb2.Tuning.SUCCEEDED
    assert not switch.wanted
    board.post(state=State.RUNNING)
    assert stub.StopTuning(Stop()).tuning.state == tuning_pb2.Tuning.RUNNING
    assert switch.wanted
    assert not switch.terminated


def test_health_and_reflection(channel: grpc.Channel) -> None:
    check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
    answer = check(health_pb2.HealthCheckRequest(service=SERVICE))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    database = ProtoReflectionDescriptorDatabase(channel)
    assert SERVICE in database.get_services()
    found = DescriptorPool(database).FindServiceByName(SERVICE)
    assert [method.name for method in found.methods] == ["GetTuning", "WatchTuning", "StopTuning"]
