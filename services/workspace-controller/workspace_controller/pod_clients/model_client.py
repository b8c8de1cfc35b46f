"""Asks InferenceService in a serving pod how its model was started."""

from dataclasses import dataclass, field
from typing import Protocol

from kaito.inference.v1 import inference_pb2, inference_pb2_grpc
from workspace_controller.manifests.pods import GRPC_PORT
from workspace_controller.observed import Measurement, ModelStart
from workspace_controller.pod_clients.pod_calls import ask


class ModelClient(Protocol):
    """The seam to InferenceService."""

    async def start(self, address: str) -> ModelStart | None:
        """How the pod at that IP address was started; None if it does not answer in time."""
        ...


@dataclass(frozen=True, slots=True)
class GrpcModelClient:
    """Each pod is asked once, when it has become ready."""

    port: int = GRPC_PORT

    async def start(self, address: str) -> ModelStart | None:
        request = inference_pb2.GetModelRequest()
        response: inference_pb2.GetModelResponse | None = await ask(
            address,
            self.port,
            lambda channel: inference_pb2_grpc.InferenceServiceStub(channel).GetModel(request),
        )
        return None if response is None else _from_message(response.model)


@dataclass
class FakeModelClient:
    """Answers `report`, and records the addresses that it was asked for."""

    report: ModelStart | None = field(default_factory=ModelStart)
    addresses: list[str] = field(default_factory=list)

    async def start(self, address: str) -> ModelStart | None:
        self.addresses.append(address)
        return self.report


def _from_message(model: inference_pb2.Model) -> ModelStart:
    """A model-server of an earlier release reports neither phases nor a measurement."""
    start = model.start
    seconds = {phase.name: phase.seconds for phase in start.phases}
    return ModelStart(seconds, _measurement(start, model.engine))


def _measurement(start: inference_pb2.ModelStart, engine: str) -> Measurement | None:
    if not start.HasField("measurement"):
        return None
    found = start.measurement
    return Measurement(
        engine=engine,
        tokens_per_second=found.tokens_per_second,
        peak_tokens_per_second=found.peak_tokens_per_second,
        concurrent_answers=found.concurrent_answers,
        peak_memory_bytes=found.peak_memory_bytes if found.HasField("peak_memory_bytes") else None,
        memory_bytes=found.memory_bytes if found.HasField("memory_bytes") else None,
    )
