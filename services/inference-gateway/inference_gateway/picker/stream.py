"""One request that Envoy asks about: its headers and body, the choice, and its response.

Envoy sends a body in two ways. FULL_DUPLEX_STREAMED: nothing is answered until all of it is here,
then the headers with the choice, and the body after them. BUFFERED: the headers are answered first,
and the choice comes with the body. In both, the request counts as in flight until Envoy closes the
stream, which it does at the response's end if it sends the response here as well.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from envoy.extensions.filters.http.ext_proc.v3.processing_mode_pb2 import ProcessingMode
from envoy.service.ext_proc.v3 import external_processor_pb2 as ext_proc
from inference_gateway.admission import Admission
from inference_gateway.demand.recorder import TrackedRequest
from inference_gateway.errors import Problem, RequestRejected, body_too_large, body_too_slow
from inference_gateway.picker import messages
from inference_gateway.picker.picking import PickedRequest, Picker
from inference_gateway.picker.tracked_response import TrackedResponse
from inference_gateway.request_context import RequestLog
from inference_gateway.settings import Limits

_STREAMED = ProcessingMode.FULL_DUPLEX_STREAMED
_SUPPORTED = (ProcessingMode.NONE, ProcessingMode.BUFFERED, _STREAMED)
Responses = Iterator[ext_proc.ProcessingResponse]


@dataclass(slots=True, kw_only=True)
class PickerStream:
    """Answers the messages of one stream, in their order. `workspace` is the pool's, or empty."""

    picker: Picker
    admission: Admission
    tracked: TrackedRequest
    log: RequestLog
    limits: Limits
    workspace: str = ""
    _stack: ExitStack = field(default_factory=ExitStack)
    _headers: dict[str, str] = field(default_factory=dict)
    _subset: frozenset[str] | None = None
    _body: bytearray = field(default_factory=bytearray)
    _body_mode: int = _STREAMED
    _response_mode: int = ProcessingMode.NONE
    _response: TrackedResponse | None = None

    async def run(
        self, requests: AsyncIterator[ext_proc.ProcessingRequest]
    ) -> AsyncGenerator[ext_proc.ProcessingResponse, None]:
        """The answers to these messages. A rejection is the last one."""
        start = asyncio.get_running_loop().time()
        with self._stack:
            try:
                while (request := await self._next(requests, start)) is not None:
                    for response in await self._answer(request):
                        yield response
            except RequestRejected as error:
                yield messages.rejected(error.problem)

    async def _next(
        self, requests: AsyncIterator[ext_proc.ProcessingRequest], start: float
    ) -> ext_proc.ProcessingRequest | None:
        """The next message; None after the last one, or when the request has lasted too long.

        A gateway that is gone without a word must not be counted as a load for good.

        Raises:
            RequestRejected: 408, the body does not arrive in time.
        """
        limits = self.limits
        is_body_due = self._response is None
        most = limits.body_timeout_seconds if is_body_due else limits.request_timeout_seconds
        try:
            async with asyncio.timeout_at(start + most):
                return await anext(requests, None)
        except TimeoutError:
            if not is_body_due:
                return None
            raise RequestRejected(body_too_slow(limits.body_timeout_seconds)) from None

    async def _answer(self, request: ext_proc.ProcessingRequest) -> Responses:
        """The answers to one message.

        Raises:
            RequestRejected: no model-server is to get the request.
        """
        kind = request.WhichOneof("request")
        if kind == "request_headers":
            return await self._on_headers(request)
        if kind == "request_body":
            return await self._on_body(request.request_body)
        if kind == "request_trailers":
            return await self._on_trailers()
        return self._on_response(request, kind)

    async def _on_headers(self, request: ext_proc.ProcessingRequest) -> Responses:
        self._headers = messages.header_values(request.request_headers)
        self._subset = messages.subset_hint(request)
        if request.HasField("protocol_config"):
            self._body_mode = request.protocol_config.request_body_mode
            self._response_mode = request.protocol_config.response_body_mode
        if self._body_mode not in _SUPPORTED:
            raise RequestRejected(_unsupported(self._body_mode))
        if request.request_headers.end_of_stream or self._body_mode == ProcessingMode.NONE:
            return iter([messages.picked_at_headers(await self._pick())])
        if self._body_mode == ProcessingMode.BUFFERED:
            headers = ext_proc.HeadersResponse()
            return iter([ext_proc.ProcessingResponse(request_headers=headers)])
        return iter(())

    async def _on_body(self, body: ext_proc.HttpBody) -> Responses:
        self.admission.hold(len(body.body))
        self._body += body.body
        if len(self._body) > self.limits.max_body_bytes:
            raise RequestRejected(body_too_large(self.limits.max_body_bytes))
        if self._body_mode == ProcessingMode.BUFFERED:
            return iter([messages.picked_at_body(await self._pick())])
        return await self._pick_and_return_body(is_last=True) if body.end_of_stream else iter(())

    async def _on_trailers(self) -> Responses:
        """Trailers end a body whose last part did not say that it is the last."""
        trailers = ext_proc.ProcessingResponse(request_trailers=ext_proc.TrailersResponse())
        if self._body_mode != _STREAMED or self._response is not None:
            return iter([trailers])
        return iter([*await self._pick_and_return_body(is_last=False), trailers])

    async def _pick_and_return_body(self, *, is_last: bool) -> Responses:
        headers = messages.picked_at_headers(await self._pick())
        chunks = messages.body_chunks(bytes(self._body), is_last=is_last)
        self._body.clear()
        return iter([headers, *chunks])

    async def _pick(self) -> str:
        request = PickedRequest(self._headers, bytes(self._body), self.workspace, self._subset)
        picked = await self.picker.pick(request, self.admission, self.tracked)
        endpoint = picked.match.endpoint
        self.tracked.sent_to(endpoint.address.label)
        call = self._stack.enter_context(endpoint.track_in_flight(self.admission.endpoint_share))
        self._response = TrackedResponse(
            call, self.log, on_message=endpoint.time_stream(), clock=endpoint.clock
        )
        return picked.address

    def _on_response(self, request: ext_proc.ProcessingRequest, kind: str | None) -> Responses:
        if kind == "response_headers":
            if self._response is not None:
                self._response.begin(messages.header_values(request.response_headers))
            headers = ext_proc.HeadersResponse()
            return iter([ext_proc.ProcessingResponse(response_headers=headers)])
        if kind == "response_body":
            if self._response is not None:
                self._response.add(request.response_body.body)
            is_streamed = self._response_mode == _STREAMED
            return iter([messages.response_chunk(request.response_body, is_streamed=is_streamed)])
        if kind == "response_trailers":
            trailers = ext_proc.TrailersResponse()
            return iter([ext_proc.ProcessingResponse(response_trailers=trailers)])
        return iter(())


def _unsupported(mode: int) -> Problem:
    names = {number: name for name, number in ProcessingMode.BodySendMode.items()}
    return Problem(
        status=500,
        message=f"request_body_mode = {names.get(mode, mode)}: the headers would be gone before "
        "the model is known; set FULL_DUPLEX_STREAMED or BUFFERED in the gateway's ext_proc filter",
        type="server_error",
        code="unsupported_body_mode",
    )
