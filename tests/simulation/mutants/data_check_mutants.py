"""Bugs in how nodes wait for the check of the data."""

from dataclasses import replace

import pytest

from kaito_api.workspace import WorkspaceSpec
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant
from workspace_controller.observed import Observed
from workspace_controller.plan.nodes.provisioning import NodePlan
from workspace_controller.plan.tuning import check_verdict
from workspace_controller.plan.tuning.check_plan import DataCheckPlan
from workspace_controller.plan.tuning.data_check import decide_data_check


def _holds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(observed: Observed, spec: WorkspaceSpec, nodes: NodePlan) -> DataCheckPlan | None:
        found = decide_data_check(observed, spec, nodes)
        return replace(found, holds_nodes=False) if found is not None else None

    monkeypatch.setattr("workspace_controller.plan.decide.decide_data_check", decide)


def _waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_verdict, "OBSTRUCTED_SECONDS", float("inf"))


MUTANTS = (
    Mutant("nodes do not wait for the check of the data", 500, _holds_nothing),
    Mutant(
        "a check that cannot be done holds nodes for ever",
        1000,
        _waits_for_ever,
        needs=Fault.NO_ROOM,
    ),
)
