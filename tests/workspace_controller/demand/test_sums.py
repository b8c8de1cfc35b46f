"""The sums over all gateways: each report in any order of gateways, losses, restarts, silence."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workspace_controller.demand.counters import Counters
from workspace_controller.demand.report import MAX_MODELS, Report, UnknownGateway
from workspace_controller.demand.sums import (
    FORGET_SECONDS,
    Demand,
    mean_requests,
    with_report,
    without_silent,
)

MODEL = "n/phi"


def report(
    uptime: float,
    arrived: int,
    finished: int,
    seconds: float = 0.0,
    *,
    door: str = "a",
    epoch: str = "",
    held: int = 0,
    first: bool = False,
    last: bool = False,
) -> Report:
    counters = Counters(arrived=arrived, finished=finished, held=held, request_seconds=seconds)
    return Report(
        gateway=door,
        epoch=epoch or f"{door}1",
        uptime_seconds=uptime,
        models={MODEL: counters},
        first=first,
        last=last,
    )


def fold(*reports: Report, now: float = 0.0) -> Demand:
    demand = Demand()
    for each in reports:
        demand = with_report(demand, each, now)
    return demand


def levels(demand: Demand) -> tuple[int, int]:
    return demand.held(MODEL), demand.in_flight(MODEL)


def test_the_levels_of_all_gateways_count() -> None:
    one = report(1, 5, 2, door="a", held=1, first=True)
    assert levels(fold(one)) == (1, 2)
    assert levels(fold(one, report(1, 4, 0, door="b", first=True))) == (1, 6)


def test_epochs_of_different_gateways_may_be_equal() -> None:
    one = report(1, 5, 2, door="a", epoch="1", first=True)
    assert levels(fold(one, report(1, 4, 0, door="b", epoch="1", first=True))) == (0, 7)


def test_what_was_counted_before_the_controller_started_is_no_growth() -> None:
    known = fold(report(900, 100, 98, first=True))
    assert known.totals == {}
    grown = with_report(known, report(901, 103, 99), 1)
    assert (grown.totals[MODEL].arrived, grown.totals[MODEL].finished) == (3, 1)


def test_a_model_that_a_known_gateway_names_later_began_there_at_zero() -> None:
    empty = Report(gateway="a", epoch="a1", uptime_seconds=5, first=True)
    grown = fold(empty, report(6, 2, 2, 0.5))
    assert grown.totals[MODEL].arrived == 2
    assert mean_requests(fold(empty), grown, MODEL) == 0.5


def test_models_that_a_gateway_has_forgotten_are_dropped_with_its_next_full_report() -> None:
    gone = Report(
        gateway="a",
        epoch="a1",
        uptime_seconds=5,
        models={"n/gone": Counters(arrived=1)},
        first=True,
    )
    assert fold(gone, report(6, 1, 0)).models() == ["n/gone", MODEL]
    renewed = fold(gone, report(6, 1, 0, first=True))
    assert (renewed.in_flight("n/gone"), levels(renewed)) == (0, (0, 1))


def test_names_without_end_fill_neither_the_sums_nor_the_totals() -> None:
    def named(first: int, count: int, *, full: bool) -> Report:
        models = {f"n/m{number}": Counters() for number in range(first, first + count)}
        return Report(
            gateway="a", epoch="a1", uptime_seconds=float(first), models=models, first=full
        )

    demand = fold(named(0, MAX_MODELS, full=True))
    with pytest.raises(UnknownGateway):
        with_report(demand, named(MAX_MODELS, 1, full=False), 1)
    for first in (MAX_MODELS, 2 * MAX_MODELS):
        demand = with_report(demand, named(first, MAX_MODELS, full=True), 1)
    assert len(demand.totals) <= 2 * MAX_MODELS


@pytest.mark.parametrize(
    ("uptime", "arrived", "finished", "seconds", "mean"),
    [
        (2, 3, 2, 1e15, 1),
        (1 + 1e-15, 3, 2, 1e15, 1),
        (2, 0, 0, 1e15, 0),
        # Forgotten while it was idle, and there again.
        (2, 2, 1, 40, 1),
    ],
)
def test_no_more_requests_are_needed_for_than_were_there(
    uptime: float, arrived: int, finished: int, seconds: float, mean: float
) -> None:
    """Whatever seconds a gateway claims: a replica costs money."""
    known = fold(report(1, 2, 2, 1, first=True))
    now = with_report(known, report(uptime, arrived, finished, seconds), 1)
    assert mean_requests(known, now, MODEL) == mean


def test_a_late_report_changes_nothing() -> None:
    known = fold(report(5, 9, 9, first=True))
    assert with_report(known, report(4, 8, 2), 1) == known


def test_a_gateway_that_restarted_has_lost_the_requests_of_the_process_before() -> None:
    known = fold(report(500, 90, 80, first=True))
    restarted = with_report(known, report(1, 1, 0, epoch="a2", first=True), 1)
    assert levels(restarted) == (0, 1)


def test_changes_of_an_unknown_gateway_are_refused() -> None:
    with pytest.raises(UnknownGateway):
        fold(report(5, 9, 9))


def test_a_gateway_that_stops_counts_for_nothing() -> None:
    demand = fold(report(5, 9, 9, first=True), report(6, 10, 10, last=True))
    assert not demand.is_known
    assert demand.totals[MODEL].arrived == 1


def test_a_silent_gateway_counts_with_what_it_had_until_that_must_have_ended() -> None:
    demand = fold(report(5, 9, 2, held=3, first=True))
    assert levels(without_silent(demand, FORGET_SECONDS)) == (3, 4)
    assert not without_silent(demand, FORGET_SECONDS + 1).is_known


def test_a_forgotten_gateway_that_is_heard_again_reports_everything() -> None:
    forgotten = without_silent(fold(report(5, 9, 2, first=True)), FORGET_SECONDS + 1)
    with pytest.raises(UnknownGateway):
        with_report(forgotten, report(700, 9, 2), FORGET_SECONDS + 1)
    back = with_report(forgotten, report(700, 9, 2, first=True), FORGET_SECONDS + 1)
    assert levels(back) == (0, 7)


def test_nobody_knows_the_demand_without_a_gateway() -> None:
    assert mean_requests(Demand(), Demand(), MODEL) is None


def test_requests_between_two_reports_have_their_part_in_the_mean() -> None:
    """Ten requests of 0.2 s in 4 s: at both reports, none is there."""
    before = fold(report(10, 0, 0, first=True))
    now = with_report(before, report(14, 10, 10, 2.0), 4)
    assert levels(now) == (0, 0)
    assert mean_requests(before, now, MODEL) == 0.5


def test_a_gateway_that_was_not_heard_in_between_counts_with_what_it_had() -> None:
    known = fold(report(10, 7, 3, first=True))
    assert mean_requests(known, known, MODEL) == 4.0
    assert mean_requests(Demand(), known, MODEL) == 4.0


def test_a_model_that_a_gateway_had_forgotten_begins_again_at_zero() -> None:
    before = fold(report(10, 50, 50, 300.0, first=True))
    now = with_report(before, report(5000, 2, 2, 4990.0 / 2, first=True), 4)
    assert now.totals[MODEL].arrived == 2
    assert mean_requests(before, now, MODEL) == 0.5


@settings(deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 2), st.integers(0, 5), st.integers(0, 5), st.booleans(), st.booleans()
        ),
        max_size=40,
    )
)
def test_the_sums_are_those_of_the_gateways(
    steps: list[tuple[int, int, int, bool, bool]],
) -> None:
    """Whichever gateway restarts, and whichever report is lost: once each is heard, the levels are
    the true ones, and the totals only grow."""
    demand, now = Demand(), 0.0
    true = {door: Counters() for door in range(3)}
    epochs, uptimes, heard = dict.fromkeys(true, 0), dict.fromkeys(true, 0.0), set()

    def send(door: int) -> None:
        nonlocal demand
        before = demand.totals.get(MODEL, Counters()).arrived
        first = (door, epochs[door]) not in heard
        heard.add((door, epochs[door]))
        demand = with_report(
            demand,
            Report(
                gateway=str(door),
                epoch=str(epochs[door]),
                uptime_seconds=uptimes[door],
                models={MODEL: true[door]},
                first=first,
            ),
            now,
        )
        assert demand.totals.get(MODEL, Counters()).arrived >= before

    for door, arrives, ends, restarts, is_lost in steps:
        now += 1
        for each in uptimes:
            uptimes[each] += 1
        if restarts:
            epochs[door] += 1
            uptimes[door], true[door] = 0.0, Counters()
        ended = min(ends, true[door].unfinished + arrives)
        true[door] += Counters(arrived=arrives, finished=ended)
        if not is_lost:
            send(door)
    for door in true:
        send(door)
    assert demand.in_flight(MODEL) == sum(each.unfinished for each in true.values())
