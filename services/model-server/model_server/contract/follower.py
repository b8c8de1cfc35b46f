"""A pod that computes for the first pod of a model that spans nodes.

It has no requests to answer: the engine in its other container takes its work from the first pod's
engine. What is served here are the probes. The pod is as ready as that container, which the kubelet
sees itself.
"""

import asyncio
import logging

from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from kaito_grpc.servers import create_server
from model_server.contract.server import SERVICE

logger = logging.getLogger(__name__)


async def follow(port: int, leader: str, stop: asyncio.Event) -> None:
    """Answer probes on `port` until `stop` is set. Other calls are UNIMPLEMENTED."""
    server, servicer = create_server(), health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    listening = server.add_insecure_port(f"[::]:{port}")
    for name in ("", SERVICE):
        await servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    await server.start()
    logger.info("computes for the first pod", extra={"leader": leader, "port": listening})
    await stop.wait()
    # The first pod's answers end with it, so there is nothing to drain.
    await server.stop(grace=None)
