"""Asks InferenceService in a serving pod which adapters did not load."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kaito.inference.v1 import inference_pb2, inference_pb2_grpc
from workspace_controller.manifests.pods import GRPC_PORT
from workspace_controller.observed import RejectedAdapter
from workspace_controller.pod_calls import ask


class AdapterClient(Protocol):
    """The seam to InferenceService."""

    async def rejected(self, address: str) -> tuple[RejectedAdapter, ...] | None:
        """The adapters that the pod at that IP address serves without; None if it does not answer
        in time."""
        ...


@dataclass(frozen=True, slots=True)
class GrpcAdapterClient:
    """Only passes over a Workspace with adapters call it."""

    port: int = GRPC_PORT

    async def rejected(self, address: str) -> tuple[RejectedAdapter, ...] | None:
        # The rejected ones are all on the first page, however many were loaded.
        request = inference_pb2.ListAdaptersRequest(page_size=1)
        response: inference_pb2.ListAdaptersResponse | None = await ask(
            address,
            self.port,
            lambda channel: inference_pb2_grpc.InferenceServiceStub(channel).ListAdapters(request),
        )
        if response is None:
            return None
        return tuple(RejectedAdapter(each.name, each.cause) for each in response.rejected)


@dataclass
class FakeAdapterClient:
    """Answers for the addresses in `pods` and records those that it was asked for."""

    pods: Mapping[str, tuple[RejectedAdapter, ...]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)

    async def rejected(self, address: str) -> tuple[RejectedAdapter, ...] | None:
        self.addresses.append(address)
        return self.pods.get(address)
