"""The ASGI application: generation straight to the answerer, everything else to FastAPI.

Gives every request its id, and counts and logs it once when it is over.
"""

import re
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from inference_gateway import access_log
from inference_gateway.answer import Answerer
from inference_gateway.dialects.dialect import Dialect
from inference_gateway.errors import CLIENT_CLOSED_REQUEST, Problem
from inference_gateway.exchange import ClientGone, Exchange
from inference_gateway.metrics import Metrics

_CLIENTS_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
WORKSPACE_ROUTE = "/workspaces/{namespace}/{name}"
_IN_WORKSPACE = re.compile(r"/workspaces/([^/]+)/([^/]+)(/.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """`dialects` by path; each is also there below /workspaces/{namespace}/{name}."""

    dialects: Mapping[str, Dialect]
    answerer: Answerer
    pages: ASGIApp
    metrics: Metrics
    clock: Callable[[], float]
    running: Callable[[], AbstractAsyncContextManager[None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send, request_id=_request_id(scope), clock=self.clock)
        self.metrics.in_flight.inc()
        try:
            await self._dispatch(exchange)
        except ClientGone:
            exchange.status = exchange.status or CLIENT_CLOSED_REQUEST
            exchange.facts.error = "the client left"
        finally:
            self.metrics.in_flight.dec()
            seconds = exchange.elapsed_seconds()
            self.metrics.answered(exchange, seconds)
            access_log.write(exchange, seconds)

    async def _dispatch(self, exchange: Exchange) -> None:
        path: str = exchange.scope["path"]
        place, prefix = "", ""
        dialect = self.dialects.get(path)
        if dialect is None and (below := _IN_WORKSPACE.fullmatch(path)):
            place, prefix = f"{below[1]}/{below[2]}", WORKSPACE_ROUTE
            path = below[3]
            dialect = self.dialects.get(path)
        if dialect is None:
            await self._page(exchange)
        else:
            exchange.route = prefix + path
            await self._generate(exchange, dialect, place)

    async def _generate(self, exchange: Exchange, dialect: Dialect, place: str) -> None:
        if exchange.method == "POST":
            await self.answerer.answer(exchange, dialect, place)
            return
        problem = Problem(status=405, message="Method Not Allowed", code="method_not_allowed")
        await exchange.respond(405, dialect.refusal(problem), [(b"allow", b"POST")])

    async def _page(self, exchange: Exchange) -> None:
        await self.pages(exchange.scope, exchange.receive, exchange.send)
        route = exchange.scope.get("route")
        exchange.route = getattr(route, "path", "other")

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self.running():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _CLIENTS_ID.fullmatch(value):
            found: bytes = value
            return found.decode()
    return uuid.uuid4().hex
