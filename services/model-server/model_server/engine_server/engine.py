"""The part of an engine that every server in another container has, whatever its API.

The server comes from its makers' image and is bound to loopback. It may start later than this
process, and again at any time.
"""

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from model_server.engine import Delta, GenerationRequest, SchedulerStats
from model_server.engine_server.answer_limit import AnswerLimiter
from model_server.engine_server.client import EngineClient
from model_server.errors import EngineFailed, InferenceError, InvalidRequest, ModelLoadFailed
from model_server.options import GenerationOptions

logger = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
# The server counts as gone after this many checks without an answer: its container restarts, and
# readiness must not stay while it loads.
_MAX_FAILED_CHECKS = 3


class ServerEngine(ABC):
    """Implements what `model_server.engine.Engine` has in common over all servers."""

    def __init__(
        self,
        client: EngineClient,
        *,
        report: Callable[[str], None] = logger.info,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`report` gets what is being waited for."""
        self._client = client
        self._report = report
        self._sleep = sleep
        self._running = 0

    @abstractmethod
    def _attempt(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        """The server's answer to a request with `max_new_tokens`.

        Raises:
            InvalidRequest: the request cannot be served; raised before the first delta.
        """

    @abstractmethod
    async def _check_health(self) -> None:
        """Returns if the server answers.

        Raises:
            EngineFailed: it does not, or says that it cannot.
        """

    @abstractmethod
    def _limiter(self) -> AnswerLimiter:
        """The limits of the started server.

        Raises:
            EngineFailed: it has not answered yet.
        """

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        """As `Engine.generate`. A request that asks for more than there is room for is repeated."""
        limiter = self._limiter()
        request = await limiter.limit(request)
        self._running += 1
        try:
            refusal = None
            async with aclosing(self._attempt(request)) as deltas:
                try:
                    first = await anext(deltas)
                except InvalidRequest as error:
                    refusal = error
                else:
                    yield first
                    async for delta in deltas:
                        yield delta
            if refusal is None:
                return
            async with aclosing(self._attempt(await limiter.shorten(request, refusal))) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            self._running -= 1

    def scheduler_stats(self) -> SchedulerStats:
        """As `Engine.scheduler_stats`."""
        # The server's own metrics tell more; here they would be one scrape old.
        return SchedulerStats(running=self._running, waiting=0, kv_cache_usage=0.0)

    async def failure(self) -> str:
        """As `Engine.failure`."""
        failed = 0
        while failed < _MAX_FAILED_CHECKS:
            await self._sleep(_POLL_SECONDS)
            try:
                await self._check_health()
                failed = 0
            except InferenceError:
                failed += 1
        return f"{self._client.url} does not answer any more"

    async def stop(self) -> None:
        """As `Engine.stop`."""
        await self._client.close()

    async def _wait_for_server(self) -> None:
        """Returns once the server answers.

        Waits without end: the pod's startup probe is the limit, and names the container.
        """
        problem = ""
        while True:
            try:
                return await self._check_health()
            except EngineFailed as error:
                if problem != error.message:
                    problem = error.message
                    self._report(f"waiting for the engine: {problem}")
                await self._sleep(_POLL_SECONDS)

    async def _generate_test_token(self) -> None:
        """Generate one token: a model that does not run must not become ready.

        Raises:
            ModelLoadFailed: it does not run.
        """
        request = GenerationRequest(prompt="a", options=GenerationOptions(max_new_tokens=1))
        try:
            await self._drain(request)
        except InferenceError as error:
            raise ModelLoadFailed(f"the model does not run: {error.message}") from error

    async def _drain(self, request: GenerationRequest) -> None:
        async with aclosing(self.generate(request)) as deltas:
            async for _ in deltas:
                pass
