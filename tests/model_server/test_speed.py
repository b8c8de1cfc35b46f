"""How fast a model generates, measured before it has any request."""

import itertools
from collections.abc import AsyncGenerator, Callable

import pytest

from model_server.engine import Delta, GenerationRequest
from model_server.errors import EngineFailed, NotSupported
from model_server.fake import FakeEngine
from model_server.startup.speed import Speed, measure_speed


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that passes by that much whenever it is read."""
    return itertools.count(0.0, seconds).__next__


class EngineWithRequests(FakeEngine):
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[GenerationRequest] = []

    async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
        self.requests.append(request)
        async for delta in super().generate(request):
            yield delta


async def measured(engine: FakeEngine, **options: int) -> Speed | None:
    model = await engine.start()
    return await measure_speed(engine, model, seconds=20.0, clock=ticking(0.125), **options)


async def test_the_rate_is_that_of_the_tokens_after_the_first() -> None:
    speed = await measured(FakeEngine())
    assert speed is not None
    # One token for each tick, except where the next answer begins.
    assert speed.tokens_per_second == pytest.approx(8.0, rel=0.1)
    assert speed.peak_tokens_per_second >= speed.tokens_per_second
    assert speed.answers == 16


async def test_a_fast_model_is_measured_by_a_number_of_tokens() -> None:
    engine, clock = EngineWithRequests(), ticking(0.001)
    speed = await measure_speed(engine, await engine.start(), seconds=1000.0, clock=clock)
    assert speed is not None
    assert len(engine.requests) < 100 and clock() < 100


async def test_no_more_answers_than_the_server_admits() -> None:
    engine = EngineWithRequests()
    speed = await measured(engine, max_answers=3)
    assert speed is not None and speed.answers == 3
    assert engine.scheduler_stats().running == 0


async def test_nothing_is_left_running() -> None:
    engine = FakeEngine()
    assert await measured(engine) is not None
    assert engine.scheduler_stats().running == 0


async def test_an_answer_fits_into_a_short_context() -> None:
    engine = EngineWithRequests()
    model = await FakeEngine(max_length=64).start()
    assert await measure_speed(engine, model, seconds=20.0, clock=ticking(0.125)) is not None
    assert {request.options.max_new_tokens for request in engine.requests} == {32}


@pytest.mark.parametrize("answer", [1, 2], ids=["alone", "together"])
async def test_a_model_that_generates_no_text_is_not_measured(answer: int) -> None:
    class Refusing(EngineWithRequests):
        async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
            if len(self.requests) + 1 >= answer:
                raise NotSupported("this model embeds texts only")
            async for delta in super().generate(request):
                yield delta

    engine = Refusing()
    model = await engine.start()
    assert await measure_speed(engine, model, seconds=1.0, clock=ticking(0.4)) is None


async def test_a_model_that_is_too_slow_is_not_measured() -> None:
    engine = FakeEngine()
    model = await engine.start()
    assert await measure_speed(engine, model, seconds=2.0, clock=ticking(1.5)) is None


@pytest.mark.parametrize(
    "error", [KeyError("usage"), TimeoutError(), EngineFailed("the connection was lost")]
)
async def test_an_error_of_the_measurement_keeps_no_model_from_serving(error: Exception) -> None:
    class Defective(FakeEngine):
        async def generate(self, request: GenerationRequest) -> AsyncGenerator[Delta, None]:
            async for delta in super().generate(request):
                yield delta
                raise error

    engine = Defective()
    model = await engine.start()
    assert await measure_speed(engine, model, seconds=2.0, clock=ticking(0.1)) is None


async def test_an_engine_that_delivers_nothing_holds_nobody_up() -> None:
    engine = FakeEngine()
    engine.gate.clear()
    model = await engine.start()
    assert await measure_speed(engine, model, seconds=0.02) is None
    assert engine.scheduler_stats().running == 0
