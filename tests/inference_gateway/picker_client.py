"""A gateway that asks the endpoint picker, and the picker that it asks."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct

from envoy.config.core.v3 import base_pb2 as core
from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as rpc
from inference_gateway.admission import AdmissionControl
from inference_gateway.backends.fake import FakeBackend
from inference_gateway.demand.recorder import DemandRecorder
from inference_gateway.endpoints.address import EndpointAddress
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.metrics import Metrics
from inference_gateway.picker.picking import Picker
from inference_gateway.picker.service import PickerService, serving
from inference_gateway.settings import Limits
from tests.waiting import HANG_SECONDS

CHAT = "/v1/chat/completions"
DUPLEX, BUFFERED = ProcessingMode.FULL_DUPLEX_STREAMED, ProcessingMode.BUFFERED
SUBSET = "x-gateway-destination-endpoint-subset"
DESTINATION = "x-gateway-destination-endpoint"
MODEL = "phi-3-mini-128k-instruct"


def headers_message(
    *,
    path: str = CHAT,
    mode: "ProcessingMode.BodySendMode | None" = DUPLEX,
    subset: Sequence[str] | str | None = None,
    end: bool = False,
    **extra: str,
) -> ext_proc.ProcessingRequest:
    """The first message of a request."""
    named = {":method": "POST", ":path": path, "content-type": "application/json", **extra}
    message = ext_proc.ProcessingRequest(
        request_headers=ext_proc.HttpHeaders(headers=_header_map(named), end_of_stream=end)
    )
    if mode is not None:
        message.protocol_config.request_body_mode = mode
        message.protocol_config.response_body_mode = mode
    if subset is not None:
        hint = Struct()
        hint.update({SUBSET: subset if isinstance(subset, str) else list(subset)})
        message.metadata_context.filter_metadata["envoy.lb.subset_hint"].CopyFrom(hint)
    return message


def body_message(body: bytes, *, end: bool = True) -> ext_proc.ProcessingRequest:
    return ext_proc.ProcessingRequest(request_body=ext_proc.HttpBody(body=body, end_of_stream=end))


def response_headers_message(status: int = 200, **headers: str) -> ext_proc.ProcessingRequest:
    named = {":status": str(status), **{k.replace("_", "-"): v for k, v in headers.items()}}
    return ext_proc.ProcessingRequest(
        response_headers=ext_proc.HttpHeaders(headers=_header_map(named))
    )


def response_body_message(body: bytes, *, end: bool = False) -> ext_proc.ProcessingRequest:
    return ext_proc.ProcessingRequest(response_body=ext_proc.HttpBody(body=body, end_of_stream=end))


def _header_map(headers: Mapping[str, str]) -> core.HeaderMap:
    return core.HeaderMap(
        headers=[
            core.HeaderValue(key=name, raw_value=value.encode()) for name, value in headers.items()
        ]
    )


def picked(response: ext_proc.ProcessingResponse) -> str:
    """The address in the header, which must be that of the metadata."""
    answer = response.request_headers if response.HasField("request_headers") else None
    common = answer.response if answer else response.request_body.response
    (option,) = common.header_mutation.set_headers
    assert option.header.key == DESTINATION
    assert option.append_action == core.HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD
    address = option.header.raw_value.decode()
    metadata = response.dynamic_metadata.fields["envoy.lb"].struct_value
    assert metadata.fields[DESTINATION].string_value == address
    return address


class PickerClient:
    """Sends the messages of one HTTP request after the other."""

    def __init__(self, channel: grpc.aio.Channel, service: PickerService, port: int) -> None:
        self.port = port
        self.channel = channel
        self.stub = rpc.ExternalProcessorStub(channel)
        self.service = service
        self.pool = service.picker.pool

    async def ask(
        self, *messages: ext_proc.ProcessingRequest, workspace: str = ""
    ) -> list[ext_proc.ProcessingResponse]:
        """All answers to these messages, sent without waiting for any."""
        metadata = [("x-kaito-workspace", workspace)] if workspace else None
        call = self.stub.Process(iter(messages), metadata=metadata)
        return [response async for response in call]

    async def pick(self, body: bytes, *, workspace: str = "", **headers: Any) -> str:
        """The address that one request gets."""
        first, *_ = await self.ask(
            headers_message(**headers), body_message(body), workspace=workspace
        )
        assert not first.HasField("immediate_response"), first.immediate_response.body
        return picked(first)

    async def rejection(
        self, *messages: ext_proc.ProcessingRequest, workspace: str = ""
    ) -> ext_proc.ImmediateResponse:
        """The last answer, which must be a rejection."""
        *_, last = await self.ask(*messages, workspace=workspace)
        assert last.HasField("immediate_response"), last
        return last.immediate_response


@asynccontextmanager
async def picker(
    backends: Mapping[str, FakeBackend],
    *,
    max_requests: int = 64,
    max_in_flight: int = 32,
    hold_seconds: float = 0.0,
    port: int = 5000,
    **limits: float,
) -> AsyncIterator[PickerClient]:
    """A client of a picker for these Workspaces of namespace n, each with one replica."""
    scripts = {_address(name): script for name, script in backends.items()}
    demand = DemandRecorder(lambda: 0.0)
    pool = EndpointPool(
        connect=lambda address: scripts[address],
        clock=lambda: 0.0,
        readiness=Metrics(),
        max_in_flight=max_in_flight,
        hold_seconds=hold_seconds,
        drain_seconds=1,
        sidecar=False,
    )
    pool.set_addresses(scripts)
    await pool.wait_for_first_probes(HANG_SECONDS)
    service = PickerService(
        picker=Picker(pool=pool, port=port, hold_seconds=hold_seconds),
        admission=AdmissionControl(
            max_requests=max_requests, max_held_bytes=2**24, is_shared=False
        ),
        demand=demand,
        limits=Limits(**limits),  # type: ignore[arg-type]
    )
    async with (
        serving(service, "127.0.0.1:0", 0) as own_port,
        grpc.aio.insecure_channel(f"127.0.0.1:{own_port}") as channel,
    ):
        yield PickerClient(channel, service, own_port)
    await pool.close()


def _address(name: str) -> EndpointAddress:
    return EndpointAddress(namespace="n", workspace=name, model=MODEL, target=f"{name}:1")
