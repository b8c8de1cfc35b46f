"""One round of every fault under load: the slice of `make soak` for every change."""

import asyncio
from pathlib import Path

import pytest

from tests.processes.model_files import make_random_model
from tests.soak.memory import MemoryLog
from tests.soak.outcomes import Outcomes
from tests.soak.run import soak
from tests.soak.world import running_world

_FAULTS = {"killed and came back", "hung", "adapters that went and came"}


# On a busy machine, starting the processes alone takes a minute.
@pytest.mark.timeout(900)
async def test_every_answer_is_right_whatever_fails(tmp_path: Path) -> None:
    outcomes, memory = Outcomes(), MemoryLog()
    model = await asyncio.to_thread(make_random_model, tmp_path / "model")
    async with running_world(tmp_path, model) as world:
        await soak(
            world,
            outcomes,
            memory,
            seed=1,
            goes_on=lambda: not outcomes.faults.keys() >= _FAULTS,
        )
    assert not outcomes.failed, "\n".join(outcomes.lines())
    assert outcomes.count("right") > 0
