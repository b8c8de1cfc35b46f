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
from inference_gateway.dialects.dialect import About, Ask, Dialect
from inference_gateway.errors import Problem, Refused, from_backend, internal, timed_out
from inference_gateway.exchange import ClientGone, Exchange, Headers
from inference_gateway.fleet.route import Candidate
from inference_gateway.limits import Gate
from inference_gateway.merge import numbered
from inference_gateway.settings import Limits
from inference_gateway.stream import StreamedAnswer, relay
from kaito.inference.v1 import inference_pb2 as pb

logger = logging.getLogger(__name__)
_CLOSE = (b"connection", b"close")
_UNREAD_BODY = (408, 413)
_HEADER_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_LISTED_AT_MOST = 32
_LAST_WORDS_S = 1.0


class Router(Protocol):
    """Who says which model-servers can answer for a name."""

    def route(self, name: str, place: str = "") -> Sequence[Candidate]:
        """At least one, best first; of namespace/workspace `place` only. Raises Refused."""
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

    async def answer(self, exchange: Exchange, dialect: Dialect, place: str = "") -> None:
        """Answers, whatever happens; raises only ClientGone. `place` is the path's workspace."""
        try:
            with self.gate.enter() as permit:
                limits = self.limits
                body = await exchange.body(
                    permit, limits.max_body_bytes, limits.body_timeout_seconds
                )
                ask = dialect.read(body)
                _tell_ignored(exchange, ask.ignored)
                async with exchange.client_present():
                    await self._in_time(exchange, ask, place)
        except Refused as refused:
            await _refuse(exchange, dialect, refused.problem)
        except BackendError as error:
            await _refuse(exchange, dialect, from_backend(error))
        except ClientGone:
            raise
        except Exception:
            logger.exception("request failed", extra={"request_id": exchange.request_id})
            await _refuse(exchange, dialect, internal(exchange.request_id))

    async def _in_time(self, exchange: Exchange, ask: Ask, place: str) -> None:
        seconds = self.limits.request_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                candidates = self.router.route(ask.model, place)
                await self._first_that_answers(exchange, ask, candidates)
        except TimeoutError:
            raise Refused(timed_out(seconds)) from None
        except BackendError as error:
            if error.code is StatusCode.DEADLINE_EXCEEDED:
                raise Refused(timed_out(seconds)) from None
            raise

    async def _first_that_answers(
        self, exchange: Exchange, ask: Ask, candidates: Sequence[Candidate]
    ) -> None:
        for candidate in candidates:
            try:
                with candidate.target.busy():
                    return await self._ask(exchange, ask, candidate)
            except BackendError as error:
                self.upstream.upstream_failed(candidate.target.place.label, error.code.name)
                final = exchange.started or candidate is candidates[-1]
                if final or error.code is not StatusCode.UNAVAILABLE:
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
        limits = self.limits
        timeout = limits.request_timeout_seconds
        if ask.streams:
            streams = [target.backend.stream(request, timeout) for request in requests]
            async with aclosing(numbered(streams)) as messages:
                await relay(
                    messages,
                    StreamedAnswer(exchange, ask.events(about)),
                    limits.sse_keep_alive_seconds,
                )
        else:
            calls = [target.backend.generate(request, timeout) for request in requests]
            answers = await _all(calls)
            for answer in answers:
                exchange.count(answer.model, answer.usage)
            await exchange.respond(200, ask.whole(answers, about))


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


def _tell_ignored(exchange: Exchange, names: Sequence[str]) -> None:
    # The names are the client's own: only what is safe in a header is said back.
    safe = [name for name in names if _HEADER_TEXT.fullmatch(name)][:_LISTED_AT_MOST]
    if safe:
        exchange.headers.append((b"x-kaito-ignored-parameters", ", ".join(safe).encode()))


async def _refuse(exchange: Exchange, dialect: Dialect, problem: Problem) -> None:
    exchange.facts.error = problem.message
    body = dialect.refusal(problem)
    if exchange.started:
        await _last_words(exchange, b"data: " + body + b"\n\n")
    else:
        await exchange.respond(problem.status, body, _refusal_headers(problem))


async def _last_words(exchange: Exchange, event: bytes) -> None:
    """Ends a stream that failed; a client that has stopped reading is not waited for again."""
    try:
        async with asyncio.timeout(_LAST_WORDS_S):
            await exchange.write(event, last=True)
    except TimeoutError:
        raise ClientGone from None


def _refusal_headers(problem: Problem) -> Headers:
    headers = []
    if problem.retry_after_seconds is not None:
        headers.append((b"retry-after", str(problem.retry_after_seconds).encode()))
    if problem.status in _UNREAD_BODY:
        headers.append(_CLOSE)
    return headers
