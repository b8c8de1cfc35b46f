"""Makes a call and says how it ended."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from kaito_grpc.field_violations import from_error
from tests.fuzz.grpc_calls.call import Call

# Longer than any call takes on a busy machine: the context is a few hundred tokens.
HUNG_SECONDS = 120.0
HUNG = "HUNG"
# What grpc.aio makes of a request that it writes to a call that the server has ended.
ENDED_EARLY = "ENDED_EARLY"
_ENDED_BEFORE_WRITE = "Internal error from Core"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended. `status` is the name of gRPC's code, HUNG, or ENDED_EARLY."""

    status: str
    details: str = ""
    field: str = ""
    messages: tuple[Message, ...] = ()


async def make_call(channel: grpc.aio.Channel, call: Call) -> Outcome:
    """Make one call and wait for its end, which the client may bring about."""
    started = _start(channel, call)
    leaving = None
    if call.cancel_seconds is not None:
        leaving = asyncio.get_running_loop().call_later(call.cancel_seconds, started.cancel)
    try:
        async with asyncio.timeout(HUNG_SECONDS):
            return Outcome("OK", messages=tuple(await _responses(started, call)))
    except grpc.aio.AioRpcError as error:
        if error.details() == _ENDED_BEFORE_WRITE and call.method.client_streams:
            return Outcome(ENDED_EARLY)
        violation = from_error(error)
        return Outcome(
            error.code().name, error.details() or "", violation.field if violation else ""
        )
    except DecodeError as error:
        return Outcome("UNREADABLE", str(error))
    except TimeoutError:
        started.cancel()
        return Outcome(HUNG)
    except asyncio.CancelledError:
        # grpc raises it in the task that awaits a call which was canceled.
        if not started.cancelled():
            raise
        return Outcome("CANCELLED")
    finally:
        if leaving:
            leaving.cancel()


def _start(channel: grpc.aio.Channel, call: Call) -> Any:
    method = call.method
    options: dict[str, Any] = {"timeout": call.deadline_seconds, "metadata": call.metadata}
    # Without serializers, bytes are sent and received as they are.
    if method.client_streams:
        kind: Any = channel.stream_stream if method.server_streams else channel.stream_unary
        return kind(method.path)(_iterate(call.payloads), **options)
    kind = channel.unary_stream if method.server_streams else channel.unary_unary
    return kind(method.path)(call.payloads[0], **options)


async def _responses(started: Any, call: Call) -> list[Message]:
    parse = call.method.response.FromString
    if not call.method.server_streams:
        return [parse(await started)]
    messages = []
    while (raw := await started.read()) is not grpc.aio.EOF:
        messages.append(parse(raw))
    # A stream that broke ends like one that is complete; its status tells which.
    if (code := await started.code()) is not grpc.StatusCode.OK:
        raise grpc.aio.AioRpcError(
            code,
            await started.initial_metadata(),
            await started.trailing_metadata(),
            await started.details(),
        )
    return messages


async def _iterate(payloads: Sequence[bytes]) -> AsyncIterator[bytes]:
    for payload in payloads:
        yield payload
