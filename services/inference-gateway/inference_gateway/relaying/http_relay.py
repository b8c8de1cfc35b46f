"""Takes one request to the engine's own server, and its response to the client as it arrives."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from grpc import StatusCode

from inference_gateway.backends.backend import BackendError
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.relaying.relayed_request import RelayedRequest
from inference_gateway.relaying.usage_events import UsageEventFilter
from inference_gateway.relaying.usage_scan import UsageScan
from inference_gateway.request_context import RequestContext
from kaito.inference.v1 import inference_pb2 as pb


async def relay_http(
    context: RequestContext,
    request: RelayedRequest,
    endpoint: Endpoint,
    *,
    model: str,
    served_model: str,
    timeout_seconds: float,
    first_timeout_seconds: float,
) -> None:
    """Responds with what the engine answers.

    Raises:
        BackendError: the model-server failed, broke the contract, or sent nothing in time.
        ClientDisconnected: the client closed the connection.
    """
    head = request.head(served_model, context.request_id)
    on_message = endpoint.time_stream()
    exchange = endpoint.backend.relay(head, request.body, timeout_seconds)
    scan = UsageScan()
    async with aclosing(exchange) as parts:
        response = await _first_head(parts, first_timeout_seconds)
        endpoint.record_answer()
        headers = [(each.name.encode(), each.value.encode()) for each in response.headers]
        await context.start_response(response.status, headers)
        is_whole = False
        try:
            await _write_body(context, parts, scan, on_message, hides_usage=request.hides_usage)
            is_whole = True
        finally:
            # Also of a stream that is left, as far as its events told.
            context.log.model = model
            if usage := scan.usage():
                context.record_usage(model, usage)
            if context.is_event_stream and not (is_whole and usage):
                context.log.cut_events = scan.events
    await context.write(b"", last=True)


async def _write_body(
    context: RequestContext,
    parts: AsyncGenerator[pb.RelayHttpResponse, None],
    scan: UsageScan,
    on_message: Callable[[], None],
    *,
    hides_usage: bool,
) -> None:
    shown = UsageEventFilter() if hides_usage and context.is_event_stream else None
    async for part in parts:
        if part.WhichOneof("part") != "body":
            raise BackendError(StatusCode.INTERNAL, "the model-server sent a second head")
        context.record_first_token()
        if context.is_event_stream:
            on_message()
        scan.add(part.body)
        if passed := shown.feed(part.body) if shown else part.body:
            await context.write(passed)
    if shown and (rest := shown.end()):
        await context.write(rest)


async def _first_head(
    parts: AsyncGenerator[pb.RelayHttpResponse, None], timeout_seconds: float
) -> pb.HttpResponseHead:
    """The first message.

    Raises:
        BackendError: it is no head, there is none, or it did not come in time.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            async for part in parts:
                if part.HasField("head") and 200 <= part.head.status < 600:
                    return part.head
                break
    except TimeoutError:
        raise BackendError(
            StatusCode.DEADLINE_EXCEEDED,
            f"the engine did not begin to answer within {timeout_seconds:g} s",
        ) from None
    raise BackendError(StatusCode.INTERNAL, "the model-server's response has no head")
