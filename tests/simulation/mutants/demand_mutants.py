"""Bugs in adding up the demand, and in scaling by it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from kaito_kube.kinds import Manifest
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant
from workspace_controller.demand import current_demand, sums
from workspace_controller.demand.counters import Counters
from workspace_controller.demand.history import History
from workspace_controller.demand.history import highest as true_highest
from workspace_controller.demand.report import Report
from workspace_controller.demand.sums import Demand, Gateway, with_report
from workspace_controller.inference_sets.executor import SetExecutor
from workspace_controller.inference_sets.plan import autoscaling
from workspace_controller.inference_sets.plan.plan import ScaleTo

_SUMS = "workspace_controller/demand/test_sums.py"
_SETS = "workspace_controller/inference_sets/test_autoscaling_of_sets.py"
_RULES = "workspace_controller/inference_sets/plan/test_autoscaling.py"


def _one_gateway(monkeypatch: pytest.MonkeyPatch) -> None:
    true = sums.mean_requests

    def mean_requests(before: Demand, now: Demand, model: str) -> float | None:
        first = dict(list(now.gateways.items())[:1])
        return true(before, replace(now, gateways=first), model)

    monkeypatch.setattr(current_demand, "mean_requests", mean_requests)


def _silence_is_absence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sums, "FORGET_SECONDS", 5.0)


def _unknown_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    true = sums.mean_requests

    def mean_requests(before: Demand, now: Demand, model: str) -> float | None:
        return true(before, now, model) or 0.0

    monkeypatch.setattr(current_demand, "mean_requests", mean_requests)


def _levels_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def mean(before: Gateway | None, now: Gateway, model: str) -> float:
        return float(now.models.get(model, Counters()).unfinished)

    monkeypatch.setattr(sums, "_mean", mean)


def _changes_are_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    def with_any(demand: Demand, report: Report, now: float) -> Demand:
        return with_report(demand, replace(report, first=True), now)

    monkeypatch.setattr(current_demand, "with_report", with_any)


def _epoch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_epoch(demand: Demand, report: Report, now: float) -> Demand:
        return with_report(demand, replace(report, gateway=report.epoch), now)

    monkeypatch.setattr(current_demand, "with_report", by_epoch)


def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoscaling, "_passed", lambda inputs, window: True)


def _time_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    true = SetExecutor._scale

    async def scale(self: SetExecutor, manifest: Manifest, scale: ScaleTo) -> None:
        await true(self, manifest, replace(scale, at=""))

    monkeypatch.setattr(SetExecutor, "_scale", scale)


def _never_ready_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(autoscaling, "_starting", lambda inputs: None)


def _part_of_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    def highest(history: History, now: datetime, window: timedelta) -> int | None:
        within = (span.replicas for span in history if span.until > now - window)
        return max(within, default=None)

    monkeypatch.setattr(autoscaling, "highest", highest)


def _short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def highest(history: History, now: datetime, window: timedelta) -> int | None:
        return true_highest(history, now, min(window, timedelta(seconds=30)))

    monkeypatch.setattr(autoscaling, "highest", highest)


MUTANTS = (
    Mutant(
        "the demand of one front door counts",
        100,
        _one_gateway,
        unit_test=f"{_SUMS}::test_epochs_of_different_gateways_may_be_equal",
        demand=True,
    ),
    Mutant(
        "front doors are told apart by epoch alone",
        100,
        _epoch_alone,
        demand=True,
    ),
    Mutant(
        "a front door that falls silent has no requests",
        0,
        _silence_is_absence,
        unit_test=f"{_SUMS}::"
        "test_a_silent_gateway_counts_with_what_it_had_until_that_must_have_ended",
    ),
    Mutant(
        "a demand that nobody reports is zero",
        0,
        _unknown_is_zero,
        unit_test=f"{_SETS}::test_without_a_front_door_nothing_changes",
    ),
    Mutant(
        "requests between two reports are lost",
        0,
        _levels_only,
        unit_test=f"{_SUMS}::test_requests_between_two_reports_have_their_part_in_the_mean",
    ),
    Mutant(
        "two changes follow each other at once",
        100,
        _no_pause,
        unit_test=f"{_RULES}::test_no_window_has_two_changes_and_nothing_goes_under_load",
        demand=True,
    ),
    Mutant("the time of a change is not written", 100, _time_is_not_written, demand=True),
    Mutant(
        "a replica goes before it has answered",
        200,
        _never_ready_goes,
        unit_test=f"{_RULES}::test_no_window_has_two_changes_and_nothing_goes_under_load",
        demand=True,
    ),
    Mutant(
        "a window that is known in part is enough",
        400,
        _part_of_a_window,
        demand=True,
        needs=Fault.CRASH,
    ),
    Mutant(
        "only the last seconds count before replicas go",
        100,
        _short_memory,
        unit_test=f"{_RULES}::test_no_window_has_two_changes_and_nothing_goes_under_load",
        demand=True,
    ),
)
