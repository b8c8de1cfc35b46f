"""Health, readiness and metrics over HTTP, for the kubelet and for Prometheus."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

Application = web.Application
HealthCheck = Callable[[], str | None]
"""Returns None if healthy, otherwise a sentence about the problem."""


def health_app(registry: CollectorRegistry, live: HealthCheck, ready: HealthCheck) -> Application:
    """Serves GET /healthz, /readyz and /metrics. A failed check answers 503 with its problem."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(
            body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    app = web.Application()
    app.router.add_get("/healthz", _handler(live))
    app.router.add_get("/readyz", _handler(ready))
    app.router.add_get("/metrics", metrics)
    return app


def _handler(check: HealthCheck) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(_: web.Request) -> web.Response:
        problem = check()
        return web.Response(text=problem or "ok", status=503 if problem else 200)

    return handle


@asynccontextmanager
async def serve_http(app: Application, port: int, host: str = "0.0.0.0") -> AsyncIterator[None]:
    """Serves the application while the context is open."""
    # No access log: the kubelet probes every few seconds.
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield
    finally:
        await runner.cleanup()
