"""Measures how fast a model generates, before it has any request."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass

from model_server.engine import Engine, GenerationRequest, ModelInfo
from model_server.errors import EngineFailed, InferenceError
from model_server.options import GenerationOptions

logger = logging.getLogger(__name__)
# Enough to show what batching gains, and few enough to begin within a second.
_ANSWERS = 16
# For each answer, and once more: enough for two digits of the rate.
_TOKENS = 64
_PROMPT = "Once upon a time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """New tokens a second: of one answer alone, and of `answers` at once, all together."""

    tokens_per_second: float
    peak_tokens_per_second: float
    answers: int


@dataclass(slots=True)
class _Tally:
    """Tokens from the first one on, which is missing: the prompt was computed for it."""

    began: float | None = None
    ended: float = 0.0
    tokens: int = 0

    def add(self, tokens: int, now: float) -> None:
        if self.began is None:
            self.began = now
        else:
            self.tokens += tokens
        self.ended = now

    @property
    def rate(self) -> float:
        """0 if there are too few tokens to tell."""
        seconds = self.ended - (self.began or 0.0)
        return self.tokens / seconds if self.tokens and seconds > 0 else 0.0


async def measure_speed(
    engine: Engine,
    model: ModelInfo,
    *,
    seconds: float,
    max_answers: int = _ANSWERS,
    clock: Callable[[], float] = time.monotonic,
) -> Speed | None:
    """The speed of an idle engine, found within that time; None if it generates nothing in it.

    An error ends the measurement and nothing else: whether the engine broke for good is for
    `Engine.failure` to say, and a connection that was lost once is no such thing.
    """
    answers = min(_ANSWERS, max_answers)
    try:
        alone = await _rate(engine, model, 1, seconds / 2, clock)
        together = await _rate(engine, model, answers, seconds / 2, clock)
    except EngineFailed as error:
        logger.warning("the speed is not measured: %s", error.message)
        return None
    except InferenceError as error:
        # A model for embeddings, for example. That it runs was proved before.
        logger.info("the speed is not measured: %s", error.message)
        return None
    except Exception:
        # A figure is not worth a model that never serves.
        logger.exception("the speed is not measured")
        return None
    if not alone:
        logger.info("the speed is not measured: no second token within %g seconds", seconds / 2)
        return None
    return Speed(
        tokens_per_second=alone, peak_tokens_per_second=max(alone, together), answers=answers
    )


async def _rate(
    engine: Engine, model: ModelInfo, answers: int, seconds: float, clock: Callable[[], float]
) -> float:
    """Tokens a second of that many answers at once."""
    tally, deadline = _Tally(), clock() + seconds
    enough = _TOKENS * (answers + 1)
    request = _request(model)

    async def answer() -> None:
        while tally.tokens < enough and clock() < deadline:
            async with aclosing(engine.generate(request)) as deltas:
                async for delta in deltas:
                    now = clock()
                    tally.add(delta.token_count, now)
                    if tally.tokens >= enough or now >= deadline:
                        return

    try:
        # The limit is for an engine that delivers nothing, and so never gets to the deadline.
        async with asyncio.timeout(seconds), asyncio.TaskGroup() as tasks:
            for _ in range(answers):
                tasks.create_task(answer())
    except TimeoutError:
        pass
    except ExceptionGroup as errors:
        # All answers are the same request, so one cause stands for all.
        raise errors.exceptions[0] from None
    return tally.rate


def _request(model: ModelInfo) -> GenerationRequest:
    """An answer that goes on; where the model ends it, another one follows."""
    endless = "options.ignore_eos" in model.features
    options = GenerationOptions(
        max_new_tokens=max(1, min(2 * _TOKENS, model.max_length // 2)),
        do_sample=False,
        num_beams=1,
        ignore_eos=True if endless else None,
    )
    return GenerationRequest(prompt=_PROMPT, options=options)
