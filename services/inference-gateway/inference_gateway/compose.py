"""Puts the gateway together from its settings. Starts nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from inference_gateway.answer import Answerer
from inference_gateway.backends.backend import Backend
from inference_gateway.dialects.openai_chat import OpenAiChat
from inference_gateway.dialects.openai_completions import OpenAiCompletions
from inference_gateway.dialects.seed_chat import SeedChat
from inference_gateway.fleet.backends_file import BackendsFile, follow
from inference_gateway.fleet.fleet import Fleet
from inference_gateway.fleet.place import Place
from inference_gateway.front import Front
from inference_gateway.limits import Gate
from inference_gateway.metrics import Metrics
from inference_gateway.pages import create_pages
from inference_gateway.settings import Settings

_FILE_INTERVAL_S = 2.0


def create_front(settings: Settings, connect: Callable[[Place], Backend]) -> Front:
    """The application; its lifespan opens and closes the connections."""
    limits = settings.limits
    metrics = Metrics()
    fleet = Fleet(
        connect=connect,
        clock=time.monotonic,
        readiness=metrics,
        max_in_flight=limits.max_backend_concurrency,
        drain_seconds=limits.shutdown_timeout_seconds,
        alone=settings.backends_file is None,
    )
    return Front(
        dialects={
            "/chat": SeedChat(),
            "/v1/chat/completions": OpenAiChat(),
            "/v1/completions": OpenAiCompletions(),
        },
        answerer=Answerer(
            router=fleet,
            upstream=metrics,
            gate=Gate(max_requests=limits.max_concurrency, max_held_bytes=limits.max_held_bytes),
            limits=limits,
            now=time.time,
        ),
        pages=create_pages(fleet, metrics.registry),
        metrics=metrics,
        clock=time.monotonic,
        running=lambda: _running(settings, fleet),
    )


@asynccontextmanager
async def _running(settings: Settings, fleet: Fleet) -> AsyncIterator[None]:
    """The fleet with its places, for as long as the server runs."""
    following: asyncio.Task[None] | None = None
    if settings.backends_file is None:
        fleet.set_places([_own_place(settings)])
    else:
        file = BackendsFile(settings.backends_file)
        following = asyncio.create_task(follow(file, fleet.set_places, _FILE_INTERVAL_S))
    try:
        yield
    finally:
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        await fleet.close()


def _own_place(settings: Settings) -> Place:
    return Place(
        namespace=settings.namespace,
        workspace=settings.workspace,
        model="",
        address=settings.backend,
    )
