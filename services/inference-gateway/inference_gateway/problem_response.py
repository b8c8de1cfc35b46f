"""Responds with a problem, in the shape of the request's API: as a response, or as a last event."""

import asyncio

from inference_gateway.disconnection import ClientDisconnected
from inference_gateway.errors import Problem
from inference_gateway.formats.api_format import AnyFormat
from inference_gateway.request_context import Headers, RequestContext

_CLOSE = (b"connection", b"close")
# Statuses sent before the whole body is read: what remains of it must not be parsed as the next
# request of the connection.
_UNREAD_BODY = (401, 408, 413)
# A client that stopped reading must not hold its admission beyond the request's time limit.
_FINAL_EVENT_TIMEOUT_SECONDS = 1.0


async def respond_with_problem(
    context: RequestContext, api_format: AnyFormat, problem: Problem
) -> None:
    """Ends the response; what has already been sent of it stays."""
    context.log.error = problem.log_message
    body = api_format.error_body(problem)
    if context.started and not context.is_event_stream:
        # Only an event can say that an answer failed. Without its end, the connection is closed.
        return
    if context.started:
        await _write_final_event(context, b"data: " + body + b"\n\n")
    else:
        await context.respond(problem.status, body, problem_headers(problem))


def problem_headers(problem: Problem) -> Headers:
    """The headers of a response with this problem."""
    headers = list(problem.headers)
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    if problem.status in _UNREAD_BODY:
        headers.append(_CLOSE)
    return headers


async def _write_final_event(context: RequestContext, event: bytes) -> None:
    """Ends a stream that failed, without waiting again for a client that stopped reading."""
    try:
        async with asyncio.timeout(_FINAL_EVENT_TIMEOUT_SECONDS):
            await context.write(event, last=True)
    except TimeoutError:
        raise ClientDisconnected from None
