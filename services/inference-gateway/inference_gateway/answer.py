"""Answers one generation request: admit, read, route, ask, write. Knows no particular format.

Whatever ends a request early ends the generation too: the client's leaving, the time limit, a
failure. A model-server that cannot be reached is passed over for the next before the first byte.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from grpc import StatusCode

from inference_gateway.backends.backend import BackendError
from inference_gateway.dialects.dialect import About, Ask, Dialect, Events
from inference_gateway.errors import Problem, Refused, from_backend, internal, timed_out
from inference_gateway.exchange import ClientGone, Exchange, Headers
from inference_gateway.fleet.route import Candidate
from inference_gateway.limits import Gate
from inference_gateway.merge import first_within, numbered
from inference_gateway.settings import Limits
from kaito.inference.v1 import inference_pb2 as pb

_LOG = logging.getLogger(__name__)
_KEEP_ALIVE = b": keep-alive\n\n"
_CLOSE = (b"connection", b"close")
_UNREAD_BODY = (408, 413)
_HEADER_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_LISTED_AT_MOST = 32


class Router(Protocol):
    """Who says which model-servers can answer for a name."""

    def route(self, name: str) -> Sequence[Candidate]:
        """At least one, best first. Raises Refused."""
        ...


class Upstream(Protocol):
    """Who counts the model-servers' failures."""

    def upstream_failed(self, backend: str, code: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """`now` gives seconds since 1970."""

    router: Router
    upstream: Upstream
    gate: Gate
    limits: Limits
    now: Callable[[], float]

    async def answer(self, exchange: Exchange, dialect: Dialect, workspace: str = "") -> None:
        """Answers, whatever happens; raises only ClientGone. `workspace` wins over the body."""
        try:
            with self.gate.enter() as permit:
                limits = self.limits
                body = await exchange.body(permit, limits.max_body_bytes, limits.body_timeout_s)
                ask = dialect.read(body)
                _tell_ignored(exchange, ask.ignored)
                async with exchange.client_present():
                    await self._in_time(exchange, ask, workspace or ask.model)
        except Refused as refused:
            await _refuse(exchange, dialect, refused.problem)
        except BackendError as error:
            await _refuse(exchange, dialect, from_backend(error))
        except ClientGone:
            raise
        except Exception:
            _LOG.exception("request failed", extra={"request_id": exchange.request_id})
            await _refuse(exchange, dialect, internal(exchange.request_id))

    async def _in_time(self, exchange: Exchange, ask: Ask, name: str) -> None:
        seconds = self.limits.request_timeout_s
        try:
            async with asyncio.timeout(seconds):
                await self._first_that_answers(exchange, ask, self.router.route(name))
        except TimeoutError:
            raise Refused(timed_out(seconds)) from None
        except BackendError as error:
            if error.code is StatusCode.DEADLINE_EXCEEDED:
                raise Refused(timed_out(seconds)) from None
            raise

    async def _first_that_answers(
        self, exchange: Exchange, ask: Ask, candidates: Sequence[Candidate]
    ) -> None:
        for left, candidate in zip(range(len(candidates) - 1, -1, -1), candidates, strict=True):
            try:
                with candidate.target.busy():
                    return await self._ask(exchange, ask, candidate)
            except BackendError as error:
                self.upstream.upstream_failed(candidate.target.place.label, error.code.name)
                unreachable = error.code is StatusCode.UNAVAILABLE
                if not (unreachable and left and not exchange.started):
                    raise

    async def _ask(self, exchange: Exchange, ask: Ask, candidate: Candidate) -> None:
        target = candidate.target
        about = About(
            request_id=exchange.request_id,
            created=int(self.now()),
            served_model=candidate.served_model,
            model=await target.about(),
        )
        exchange.facts.backend = target.place.label
        requests = ask.requests(about)
        timeout = self.limits.request_timeout_s
        if ask.streams:
            streams = [target.backend.stream(request, timeout) for request in requests]
            async with aclosing(numbered(streams)) as messages:
                await self._write_events(exchange, ask.events(about), messages)
        else:
            calls = [target.backend.generate(request, timeout) for request in requests]
            answers = await _all(calls)
            for answer in answers:
                _count(exchange, answer.model, answer.usage)
            await exchange.respond(200, ask.whole(answers, about))

    async def _write_events(self, exchange: Exchange, events: Events, messages: Any) -> None:
        spent = pb.Usage()

        async def write(number: int, message: pb.StreamGenerateResponse) -> None:
            if message.text:
                exchange.first_token()
            if message.HasField("usage"):
                _count(exchange, "", message.usage)
                spent.prompt_tokens += message.usage.prompt_tokens
                spent.completion_tokens += message.usage.completion_tokens
            if message.model:
                exchange.facts.model = message.model
            data = events.piece(number, message)
            await exchange.open_events()
            if data:
                await exchange.write(data)

        async for first in first_within(messages, self.limits.sse_keep_alive_s):
            if first is None:
                await exchange.open_events()
                await exchange.write(_KEEP_ALIVE)
            else:
                await write(*first)
        async for number, message in messages:
            await write(number, message)
        await exchange.open_events()
        await exchange.write(events.closing(spent), last=True)


async def _all(calls: Sequence[Coroutine[Any, Any, pb.GenerateResponse]]) -> list[Any]:
    """All answers in order; the first failure ends the others."""
    if len(calls) == 1:
        return [await calls[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _count(exchange: Exchange, model: str, usage: pb.Usage) -> None:
    facts = exchange.facts
    facts.model = model or facts.model
    facts.prompt_tokens += usage.prompt_tokens
    facts.completion_tokens += usage.completion_tokens


def _tell_ignored(exchange: Exchange, names: Sequence[str]) -> None:
    # The names are the client's own: only what is safe in a header is said back.
    safe = [name for name in names if _HEADER_TEXT.fullmatch(name)][:_LISTED_AT_MOST]
    if safe:
        exchange.headers.append((b"x-kaito-ignored-parameters", ", ".join(safe).encode()))


async def _refuse(exchange: Exchange, dialect: Dialect, problem: Problem) -> None:
    exchange.facts.error = problem.message
    body = dialect.refusal(problem)
    if exchange.started:
        await exchange.write(b"data: " + body + b"\n\n", last=True)
    else:
        await exchange.respond(problem.status, body, _refusal_headers(problem))


def _refusal_headers(problem: Problem) -> Headers:
    headers = []
    if problem.retry_after_s is not None:
        headers.append((b"retry-after", str(problem.retry_after_s).encode()))
    if problem.status in _UNREAD_BODY:
        headers.append(_CLOSE)
    return headers
