"""The controller's port for gRPC: gateways report to it, and KEDA asks it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from externalscaler import externalscaler_pb2, externalscaler_pb2_grpc
from kaito.demand.v1 import demand_pb2, demand_pb2_grpc
from kaito_grpc.servers import create_server
from kaito_kube.store import Store
from workspace_controller.demand.current_demand import CurrentDemand
from workspace_controller.demand.demand_service import DemandService
from workspace_controller.demand.external_scaler import ExternalScaler

_DEMAND = demand_pb2.DESCRIPTOR.services_by_name["DemandService"].full_name
_SCALER = externalscaler_pb2.DESCRIPTOR.services_by_name["ExternalScaler"].full_name


@asynccontextmanager
async def serving(current: CurrentDemand, store: Store, port: int) -> AsyncIterator[int]:
    """Serves while the context is open. Yields the port, which the kernel chooses for 0."""
    server, servicer = create_server(), health.aio.HealthServicer()
    demand_pb2_grpc.add_DemandServiceServicer_to_server(DemandService(current), server)
    externalscaler_pb2_grpc.add_ExternalScalerServicer_to_server(
        ExternalScaler(current, store), server
    )
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(
        (_DEMAND, _SCALER, health.SERVICE_NAME, reflection.SERVICE_NAME), server
    )
    for service in ("", _DEMAND, _SCALER):
        await servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    bound = server.add_insecure_port(f"[::]:{port}")
    await server.start()
    try:
        yield bound
    finally:
        await server.stop(None)


async def serve(current: CurrentDemand, store: Store, port: int) -> None:
    """Serves until it is canceled."""
    async with serving(current, store, port):
        await asyncio.Event().wait()
