"""How a model was started, over real gRPC, and a pod that does not answer."""

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from workspace_controller.observed import Measurement, ModelStart
from workspace_controller.pod_clients.model_client import GrpcModelClient

MEASURED = pb.StartMeasurement(
    tokens_per_second=38.5, peak_tokens_per_second=400.0, concurrent_answers=16
)


async def start_of(model: pb.Model) -> ModelStart | None:
    class Servicer(inference_pb2_grpc.InferenceServiceServicer):
        async def GetModel(  # noqa: N802
            self, request: pb.GetModelRequest, context: object
        ) -> pb.GetModelResponse:
            return pb.GetModelResponse(model=model)

    server = grpc.aio.server()
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        return await GrpcModelClient(port=port).start("127.0.0.1")
    finally:
        await server.stop(None)


@pytest.mark.parametrize(
    ("memory", "expected"), [({}, (None, None)), ({"peak_memory_bytes": 9}, (9, None))]
)
async def test_phases_and_figures_are_read(
    memory: dict[str, int], expected: tuple[int | None, int | None]
) -> None:
    measured = pb.StartMeasurement(**memory)
    measured.MergeFrom(MEASURED)
    phases = [pb.StartPhase(name="load", seconds=2.5)]
    start = pb.ModelStart(phases=phases, measurement=measured)
    assert await start_of(pb.Model(engine="vllm 0.33.0", start=start)) == ModelStart(
        {"load": 2.5},
        Measurement(
            engine="vllm 0.33.0",
            tokens_per_second=38.5,
            peak_tokens_per_second=400.0,
            concurrent_answers=16,
            peak_memory_bytes=expected[0],
            memory_bytes=expected[1],
        ),
    )


async def test_a_model_server_of_an_earlier_release_reports_nothing() -> None:
    assert await start_of(pb.Model(engine="transformers 5")) == ModelStart()


async def test_pod_that_does_not_answer_gives_none() -> None:
    assert await GrpcModelClient(port=1).start("127.0.0.1") is None
