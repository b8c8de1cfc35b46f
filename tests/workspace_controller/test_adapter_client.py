"""Rejected adapters over real gRPC, and a pod that does not answer."""

import grpc

from kaito.inference.v1 import inference_pb2, inference_pb2_grpc
from workspace_controller.observed import RejectedAdapter
from workspace_controller.pod_clients.adapter_client import GrpcAdapterClient

REJECTED = inference_pb2.RejectedAdapter(name="style", path="/data/style", cause="rank is 0")


class Servicer(inference_pb2_grpc.InferenceServiceServicer):
    async def ListAdapters(  # noqa: N802
        self, request: inference_pb2.ListAdaptersRequest, context: object
    ) -> inference_pb2.ListAdaptersResponse:
        rejected = [] if request.page_token else [REJECTED]
        return inference_pb2.ListAdaptersResponse(rejected=rejected, next_page_token="more")


async def test_pod_reports_the_adapters_that_did_not_load() -> None:
    server = grpc.aio.server()
    inference_pb2_grpc.add_InferenceServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        rejected = await GrpcAdapterClient(port=port).rejected("127.0.0.1")
    finally:
        await server.stop(None)
    assert rejected == (RejectedAdapter("style", "rank is 0"),)


async def test_pod_that_does_not_answer_gives_none() -> None:
    assert await GrpcAdapterClient(port=1).rejected("127.0.0.1") is None
