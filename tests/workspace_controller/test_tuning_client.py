"""Progress over real gRPC, and a pod that does not answer."""

from datetime import UTC, datetime

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from kaito.tuning.v1 import tuning_pb2, tuning_pb2_grpc
from workspace_controller.observed import Divergence, TuningRun
from workspace_controller.pod_clients import tuning_client
from workspace_controller.pod_clients.tuning_client import GrpcTuningClient

START = datetime(2026, 1, 1, tzinfo=UTC)
TOLD = tuning_pb2.Tuning(
    state=tuning_pb2.Tuning.RUNNING,
    progress=tuning_pb2.Progress(
        step=3,
        total_steps=10,
        epoch=0.5,
        loss=1.5,
        eta=Duration(seconds=70),
        eval_loss=1.75,
        eval_step=0,
        resumed_step=1,
    ),
    checkpoint=tuning_pb2.Checkpoint(step=2, time=Timestamp(seconds=int(START.timestamp()))),
    divergence=tuning_pb2.Divergence(step=3, loss=5.5, lowest_loss=1.25, remedy="lower it"),
    lost_rows=tuning_pb2.LostRows(rows=90, dropped=4, cut=2, by_cause={"empty": 4, "cut": 2}),
    gpu_memory=tuning_pb2.GpuMemory(peak_bytes=12, total_bytes=16),
    start_time=Timestamp(seconds=int(START.timestamp())),
)


class Servicer(tuning_pb2_grpc.TuningServiceServicer):
    async def GetTuning(  # noqa: N802
        self, request: tuning_pb2.GetTuningRequest, context: object
    ) -> tuning_pb2.GetTuningResponse:
        return tuning_pb2.GetTuningResponse(tuning=TOLD)


async def test_run_reports_its_progress() -> None:
    server = grpc.aio.server()
    tuning_pb2_grpc.add_TuningServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        run = await GrpcTuningClient(port=port).get("127.0.0.1")
    finally:
        await server.stop(None)
    assert run == TuningRun(
        state="RUNNING",
        step=3,
        total_steps=10,
        epoch=0.5,
        loss=1.5,
        eta_seconds=70.0,
        eval_loss=1.75,
        eval_step=0,
        resumed_step=1,
        checkpoint_step=2,
        checkpoint_time=START,
        divergence=Divergence(step=3, loss=5.5, lowest_loss=1.25, remedy="lower it"),
        dropped_rows=4,
        cut_rows=2,
        peak_gpu_memory_bytes=12,
        gpu_memory_bytes=16,
        started=START,
    )


async def test_pod_that_does_not_answer_gives_none() -> None:
    assert await GrpcTuningClient(port=1).get("127.0.0.1") is None


def test_missing_fields_are_none() -> None:
    assert tuning_client.from_message(tuning_pb2.Tuning()) == TuningRun(state="STATE_UNSPECIFIED")
