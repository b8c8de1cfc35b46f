"""How often the agent pools are listed, and how many listings that makes."""

from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner.controllers.poll_interval import interval_seconds

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0, 1.5), (5, 1.5), (16, 2.0), (40, 5.0), (80, 10.0), (3600, 10.0)],
)
def test_interval_grows_with_the_wait(waited: float, seconds: float) -> None:
    assert interval_seconds(START + timedelta(seconds=waited), START) == seconds


def test_idle_interval_is_long() -> None:
    assert interval_seconds(START, None) == 120


@pytest.mark.parametrize(("operation", "most"), [(5, 4), (60, 22), (180, 35), (600, 77)])
def test_operation_costs_few_listings(operation: float, most: int) -> None:
    listings, waited = 0, 0.0
    while waited < operation:
        waited += interval_seconds(START + timedelta(seconds=waited), START)
        listings += 1
    assert listings <= most
    assert waited - operation <= max(1.5, operation / 8)
