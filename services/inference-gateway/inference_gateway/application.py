"""The ASGI application: generation routes go to the handler, all other routes to FastAPI.

Assigns every request its id, and counts and logs it once when it ends.
"""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from inference_gateway import access_log
from inference_gateway.disconnection import ClientDisconnected
from inference_gateway.errors import CLIENT_CLOSED_REQUEST, Problem
from inference_gateway.formats.api_format import AnyFormat
from inference_gateway.metrics import Metrics
from inference_gateway.paths import WORKSPACE_ROUTE, split_workspace
from inference_gateway.request_context import RequestContext

# A client's id is echoed and logged, so it may only hold characters that are safe there.
_CLIENT_REQUEST_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")


class RequestHandler(Protocol):
    """Handles the generation routes: GenerationHandler, or KeyedHandler in front of it."""

    async def handle(
        self, context: RequestContext, api_format: AnyFormat, path: str, workspace: str = ""
    ) -> None:
        """Responds in every case.

        Raises:
            ClientDisconnected: nobody is left to respond to.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Serves each path of `formats` at the root and below /workspaces/{namespace}/{name}.

    Generation runs on bare ASGI, where the handler itself sees disconnects and back-pressure.
    """

    formats: Mapping[str, AnyFormat]
    handler: RequestHandler
    routes: ASGIApp
    metrics: Metrics
    clock: Callable[[], float]
    lifespan: Callable[[], AbstractAsyncContextManager[None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = RequestContext(
            scope, receive, send, request_id=_request_id(scope), clock=self.clock
        )
        self.metrics.in_flight.inc()
        try:
            await self._dispatch(context)
        except ClientDisconnected:
            context.status = context.status or CLIENT_CLOSED_REQUEST
            context.log.error = "the client disconnected"
        finally:
            self.metrics.in_flight.dec()
            seconds = context.elapsed_seconds()
            self.metrics.record_request(context, seconds)
            access_log.write(context, seconds)

    async def _dispatch(self, context: RequestContext) -> None:
        path: str = context.scope["path"]
        workspace, prefix = "", ""
        api_format = self.formats.get(path)
        if api_format is None:
            workspace, path = split_workspace(path)
            if workspace:
                prefix, api_format = WORKSPACE_ROUTE, self.formats.get(path)
        # GET / says that the server runs. Below a Workspace's path there is no such route.
        if api_format is None or (path == "/" and not prefix and context.method != "POST"):
            await self._serve_route(context)
        else:
            context.route = prefix + path
            await self._generate(context, api_format, path, workspace)

    async def _generate(
        self, context: RequestContext, api_format: AnyFormat, path: str, workspace: str
    ) -> None:
        if context.method == "POST":
            await self.handler.handle(context, api_format, path, workspace)
            return
        problem = Problem(status=405, message="Method Not Allowed", code="method_not_allowed")
        await context.respond(405, api_format.error_body(problem), [(b"allow", b"POST")])

    async def _serve_route(self, context: RequestContext) -> None:
        scope = context.scope
        if context.method == "HEAD":
            # As GET; the server itself leaves the body out. FastAPI's routes know GET only.
            scope = {**scope, "method": "GET"}
        await self.routes(scope, context.receive, context.send)
        # Unknown paths share one label: a client must not be able to create time series.
        route = scope.get("route")
        context.route = getattr(route, "path", "other")

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            async with self.lifespan():
                await send({"type": "lifespan.startup.complete"})
                await receive()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.shutdown.complete"})


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _CLIENT_REQUEST_ID.fullmatch(value):
            found: bytes = value
            return found.decode()
    return os.urandom(16).hex()
