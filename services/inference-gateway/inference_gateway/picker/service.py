"""The endpoint picker as a gRPC service: ext_proc and health, on a port of its own."""

import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as rpc
from inference_gateway.admission import AdmissionControl
from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.errors import RequestRejected
from inference_gateway.picker import messages
from inference_gateway.picker.picking import Picker
from inference_gateway.picker.stream import PickerStream
from inference_gateway.request_context import RequestLog
from inference_gateway.settings import Limits
from kaito_grpc.servers import create_server

logger = logging.getLogger(__name__)
# gRPC metadata that confines a pool's requests to its Workspace (namespace/name).
WORKSPACE_METADATA = "x-kaito-workspace"
LIVENESS = "liveness"
READINESS = ("", "readiness", ext_proc.DESCRIPTOR.services_by_name["ExternalProcessor"].full_name)


@dataclass(frozen=True, slots=True, kw_only=True)
class PickerService(rpc.ExternalProcessorServicer):
    """Picks for every stream, within the limits of the front door itself."""

    picker: Picker
    admission: AdmissionControl
    demand: DemandRecorder
    limits: Limits

    async def Process(  # noqa: N802
        self, requests: AsyncIterator[ext_proc.ProcessingRequest], context: Any
    ) -> AsyncGenerator[ext_proc.ProcessingResponse, None]:
        """The answers to the messages of one HTTP request."""
        try:
            admission = self.admission.admit()
        except RequestRejected as error:
            yield messages.rejected(error.problem)
            return
        metadata = dict(context.invocation_metadata() or ())
        log = RequestLog()
        with admission, self.demand.track(log) as tracked:
            stream = PickerStream(
                picker=self.picker,
                admission=admission,
                tracked=tracked,
                log=log,
                limits=self.limits,
                workspace=str(metadata.get(WORKSPACE_METADATA, "")),
            )
            async with aclosing(stream.run(requests)) as responses:
                async for response in responses:
                    yield response


@asynccontextmanager
async def serving(service: PickerService, address: str, grace_seconds: float) -> AsyncIterator[int]:
    """Serves at host:port, and gives the port; at the end, requests in flight may end."""
    server, servicer = create_server(), health.aio.HealthServicer()
    rpc.add_ExternalProcessorServicer_to_server(service, server)
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    port = server.add_insecure_port(address)
    await server.start()
    status = health_pb2.HealthCheckResponse
    for name in (LIVENESS, *READINESS):
        await servicer.set(name, status.SERVING)
    logger.info("endpoint picker listens", extra={"address": address})
    try:
        yield port
    finally:
        for name in READINESS:
            await servicer.set(name, status.NOT_SERVING)
        await server.stop(grace_seconds)
