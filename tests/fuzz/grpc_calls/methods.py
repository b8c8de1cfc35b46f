"""The methods of a server, from the descriptors of the services that it lists."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

from kaito.inference.v1 import inference_pb2
from kaito.tuning.v1 import tuning_pb2

# Importing a module registers its services in the pool.
_FILES = (inference_pb2, tuning_pb2, health_pb2, reflection_pb2)
_REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
_TIMEOUT_SECONDS = 30
# Their streams end when the client leaves.
_ENDLESS = {"/grpc.health.v1.Health/Watch", "/kaito.tuning.v1.TuningService/WatchTuning"}


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC. `path` is what HTTP/2 carries, such as /grpc.health.v1.Health/Check."""

    path: str
    request: type[Message]
    response: type[Message]
    client_streams: bool
    server_streams: bool

    @property
    def is_endless(self) -> bool:
        return self.path in _ENDLESS

    @property
    def name(self) -> str:
        """Service and method without the package."""
        service, method = self.path.strip("/").split("/")
        return f"{service.split('.')[-1]}.{method}"


def methods_of(services: Iterable[str]) -> tuple[Method, ...]:
    """The methods of services, given by full name.

    Raises:
        KeyError: a service has no descriptor here.
    """
    pool = descriptor_pool.Default()
    return tuple(
        _method(method) for name in services for method in pool.FindServiceByName(name).methods
    )


def listed_services(channel: grpc.Channel) -> tuple[str, ...]:
    """The services that a server lists through reflection."""
    call: Any = channel.stream_stream(
        _REFLECTION,
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers = call(iter([request]), timeout=_TIMEOUT_SECONDS)
    return tuple(service.name for service in next(answers).list_services_response.service)


def contract_services() -> frozenset[str]:
    """The services of the contracts in proto/."""
    files = (file.DESCRIPTOR for file in _FILES if file.DESCRIPTOR.package.startswith("kaito."))
    return frozenset(
        service.full_name for file in files for service in file.services_by_name.values()
    )


def _method(method: MethodDescriptor) -> Method:
    return Method(
        path=f"/{method.containing_service.full_name}/{method.name}",
        request=message_factory.GetMessageClass(method.input_type),
        response=message_factory.GetMessageClass(method.output_type),
        client_streams=method.client_streaming,
        server_streams=method.server_streaming,
    )
