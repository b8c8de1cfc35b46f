"""A short, repeatable slice of both fuzzers, for every change."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fuzz import canary
from tests.fuzz.__main__ import canaries, examine
from tests.fuzz.grpc_fuzzer import GrpcFuzzer
from tests.fuzz.http_fuzzer import fuzz_gateways
from tests.fuzz.stack import Stack, running_stack
from tests.fuzz.tally import Tally
from tests.fuzz.targets import model_server_target, tuner_target
from tests.processes.model_files import make_random_model

# On a busy machine, starting the processes alone takes a minute.
pytestmark = pytest.mark.timeout(900)
SEED = 20261128


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Stack]:
    model = await asyncio.to_thread(make_random_model, tmp_path / "model")
    async with running_stack(tmp_path, model) as running:
        yield running


async def test_random_calls_and_requests_break_nothing(stack: Stack, tmp_path: Path) -> None:
    tally = Tally()

    def fuzz() -> None:
        with canary.watching(canaries(stack), tally):
            for target in (model_server_target(stack.model_server), tuner_target(stack.tuner)):
                GrpcFuzzer(target, tally).run(SEED, lambda number: number < 2)
            tally.merge(fuzz_gateways(stack.models, tmp_path, seed=SEED, cases=1))

    await asyncio.to_thread(fuzz)
    examine(stack, tally)
    assert tally.findings == {}, "\n".join(tally.lines())
