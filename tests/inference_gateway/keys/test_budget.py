"""A slice of `make budgets`: the ledger of several replicas says what the engine counted."""

from pathlib import Path

import pytest

from kaito_keys.limits import Unit
from tests.inference_gateway.keys.budget_load import run
from tests.inference_gateway.keys.redis_server import RedisServer


@pytest.mark.parametrize("is_scarce", [False, True])
async def test_the_ledger_says_what_the_engine_counted(
    tmp_path: Path, server: RedisServer, is_scarce: bool
) -> None:
    server.kill()
    server.start()
    limit = 2_500 if is_scarce else 1_000_000
    report = await run(tmp_path, server, clients=12, requests=12, tokens_per_day=limit)
    engine = report.engine
    counted = engine.prompt_tokens + engine.completion_tokens
    assert report.spent(Unit.TOKENS) == counted
    assert report.spent(Unit.DOLLARS) == engine.nanodollars
    assert sum(report.ledger.reserved) == report.ledger.in_flight == 0
    records = sum(each["prompt_tokens"] + each["completion_tokens"] for each in report.records)
    assert records == counted
    assert counted <= limit
    assert engine.canceled_streams
    # Every request has an answer, and a scarce budget is used up.
    assert report.statuses.total() == 144
    assert not is_scarce or report.statuses[429] > engine.refused
