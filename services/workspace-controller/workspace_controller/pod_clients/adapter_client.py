"""Talks to the model-servers in pods about their adapters."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kaito.inference.v1 import inference_pb2, inference_pb2_grpc
from workspace_controller.manifests.pods import ADMINISTRATION_PORT, GRPC_PORT
from workspace_controller.observed import PodAdapter, PulledState, RejectedAdapter
from workspace_controller.pod_clients.pod_calls import ask

_STATES = {
    inference_pb2.PULLED_ADAPTER_STATE_SERVING: PulledState.SERVING,
    inference_pb2.PULLED_ADAPTER_STATE_REJECTED: PulledState.REJECTED,
}


@dataclass(frozen=True, slots=True)
class PulledList:
    """What a pod says of the adapters that it pulls, and the revision of its list."""

    revision: str
    adapters: tuple[PodAdapter, ...] = ()


class AdapterClient(Protocol):
    """The seam to InferenceService and AdapterAdministrationService."""

    async def rejected(self, address: str) -> tuple[RejectedAdapter, ...] | None:
        """The adapters that the pod at that IP address serves without; None if it does not answer
        in time."""
        ...

    async def pulled(self, address: str, token: str) -> PulledList | None:
        """The adapters that the pod pulls; None if it does not answer in time."""
        ...

    async def set_pulled(
        self, address: str, token: str, request: inference_pb2.SetPulledAdaptersRequest
    ) -> bool:
        """Gives the pod its list; False if it does not answer in time."""
        ...


@dataclass(frozen=True, slots=True)
class GrpcAdapterClient:
    """Opens a connection for each call."""

    port: int = GRPC_PORT
    administration_port: int = ADMINISTRATION_PORT

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

    async def pulled(self, address: str, token: str) -> PulledList | None:
        request = inference_pb2.ListPulledAdaptersRequest()
        response: inference_pb2.ListPulledAdaptersResponse | None = await ask(
            address,
            self.administration_port,
            lambda channel: inference_pb2_grpc.AdapterAdministrationServiceStub(
                channel
            ).ListPulledAdapters(request, metadata=_metadata(token)),
        )
        if response is None:
            return None
        return PulledList(response.revision, tuple(map(_adapter, response.adapters)))

    async def set_pulled(
        self, address: str, token: str, request: inference_pb2.SetPulledAdaptersRequest
    ) -> bool:
        response: inference_pb2.SetPulledAdaptersResponse | None = await ask(
            address,
            self.administration_port,
            lambda channel: inference_pb2_grpc.AdapterAdministrationServiceStub(
                channel
            ).SetPulledAdapters(request, metadata=_metadata(token)),
        )
        return response is not None


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


def _adapter(message: inference_pb2.PulledAdapter) -> PodAdapter:
    state = _STATES.get(message.state, PulledState.PENDING)
    return PodAdapter(
        name=message.name,
        state=state,
        image=message.image,
        cause=message.cause,
        unverified=message.unverified,
        signed_by=message.signed_by,
    )


@dataclass
class FakeAdapterClient:
    """Answers for the addresses in `pods` and records those that it was asked for.

    A pod in `lists` pulls adapters, and serves all of its list at once but for those in `bad`.
    """

    pods: Mapping[str, tuple[RejectedAdapter, ...]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    lists: dict[str, inference_pb2.SetPulledAdaptersRequest] = field(default_factory=dict)
    bad: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    async def rejected(self, address: str) -> tuple[RejectedAdapter, ...] | None:
        self.addresses.append(address)
        return self.pods.get(address)

    async def pulled(self, address: str, token: str) -> PulledList | None:
        self.tokens.add(token)
        if (request := self.lists.get(address)) is None:
            return None
        adapters = tuple(self._report(each) for each in request.adapters)
        return PulledList(request.revision, adapters)

    async def set_pulled(
        self, address: str, token: str, request: inference_pb2.SetPulledAdaptersRequest
    ) -> bool:
        self.tokens.add(token)
        if address not in self.lists:
            return False
        self.lists[address] = request
        return True

    def _report(self, wanted: inference_pb2.WantedAdapter) -> PodAdapter:
        if cause := self.bad.get(wanted.image):
            return PodAdapter(name=wanted.name, state=PulledState.REJECTED, cause=cause)
        return PodAdapter(name=wanted.name, state=PulledState.SERVING, image=wanted.image)
