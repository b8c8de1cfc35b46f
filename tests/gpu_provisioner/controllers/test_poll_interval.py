"""How often the pools are listed, and what that comes to."""

from datetime import UTC, datetime, timedelta

import pytest

from gpu_provisioner.controllers.poll_interval import interval_seconds

START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0, 1.5), (5, 1.5), (16, 2.0), (40, 5.0), (80, 10.0), (3600, 10.0)],
)
def test_the_longer_it_takes_the_longer_the_interval_seconds(waited: float, seconds: float) -> None:
    assert interval_seconds(START + timedelta(seconds=waited), START) == seconds


def test_while_nothing_is_waited_for_listings_are_rare() -> None:
    assert interval_seconds(START, None) == 120


@pytest.mark.parametrize(("operation", "most"), [(5, 4), (60, 22), (180, 35), (600, 77)])
def test_what_one_operation_costs(operation: float, most: int) -> None:
    listings, waited = 0, 0.0
    while waited < operation:
        waited += interval_seconds(START + timedelta(seconds=waited), START)
        listings += 1
    assert listings <= most
    assert waited - operation <= max(1.5, operation / 8)
