"""The order in which waiting sequences start."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from model_server.engine import GenerationRequest
from model_server.options import GenerationOptions
from model_server.transformers import continuous_batch
from model_server.transformers.batch_scheduler import order_waiting
from tests.model_server.conftest import transformers_engine
from tests.waiting import until


@dataclass(frozen=True)
class Waiting:
    name: str
    priority: int

    @property
    def logit_processor_kwargs(self) -> dict[str, Any]:
        return {"sequence": SimpleNamespace(priority=self.priority)}


def waiting(*priorities: int) -> list[Waiting]:
    return [Waiting(f"{number}", priority) for number, priority in enumerate(priorities)]


@pytest.mark.parametrize(
    ("priorities", "overtaken", "expected"),
    [
        ((), 0, []),
        ((0, 0, 0), 0, [0, 1, 2]),
        ((5, 0, -3, 0), 0, [2, 1, 3, 0]),
        ((5, 0, -3, 0), 2, [2, 1, 3, 0]),
        ((5, 0, -3, 0), 3, [0, 2, 1, 3]),
        ((-3, 0, 5), 3, [0, 1, 2]),
    ],
    ids="none equal lower-first not-yet longest-wait already-first".split(),
)
def test_lower_numbers_start_first_and_nobody_waits_forever(
    priorities: tuple[int, ...], overtaken: int, expected: list[int]
) -> None:
    ordered = order_waiting(waiting(*priorities), overtaken)
    assert [int(each.name) for each in ordered] == expected


@pytest.mark.parametrize(
    ("priorities", "expected"),
    [
        ((0, 0, 0, 0), [0, 1, 2, 3]),
        ((9, 0, -5, 0), [2, 1, 3, 0]),
        # Three requests overtake the first one, and then it is its turn.
        ((9, 0, 0, 0, 0, 0), [1, 2, 3, 0, 4, 5]),
    ],
    ids=["equal", "lower-first", "no-starvation"],
)
async def test_batch_starts_requests_by_priority(
    model_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    priorities: tuple[int, ...],
    expected: list[int],
) -> None:
    # One sequence at a time.
    monkeypatch.setattr(continuous_batch, "_CPU_SEQUENCES", 1)
    engine = transformers_engine(model_folder)
    await engine.start()
    started: list[int] = []

    async def generate(number: int, priority: int, tokens: int) -> None:
        options = GenerationOptions(max_new_tokens=tokens, min_new_tokens=tokens)
        request = GenerationRequest(prompt="The ship", options=options, priority=priority)
        async with aclosing(engine.generate(request)) as deltas:
            await anext(deltas)
            started.append(number)
            async for _ in deltas:
                pass

    first = asyncio.ensure_future(generate(-1, 0, 400))
    await until(lambda: engine.scheduler_stats().running == 1)
    rest = []
    for number, priority in enumerate(priorities):
        rest.append(asyncio.ensure_future(generate(number, priority, 2)))
        await until(lambda: engine.scheduler_stats().waiting == len(rest))
    await asyncio.gather(first, *rest)
    await engine.stop()
    assert started == [-1, *expected]
