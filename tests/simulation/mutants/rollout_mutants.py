"""Bugs in rolling a new configuration of the release out."""

import pytest

from kaito_kube.kinds import Key
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant
from workspace_controller.observed import OngoingUpdate
from workspace_controller.plan.serving import workload
from workspace_controller.plan.serving.updates.update import Situation, Update, decide_update
from workspace_controller.rollout import Rollout

_ROLLING_OUT = "workspace_controller/test_rolling_out.py"


def _all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(situation: Situation) -> Update:
        found = decide_update(situation)
        return Update.TAKE_TURN if found is Update.WAIT else found

    monkeypatch.setattr(workload, "decide_update", decide)


def _failure_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Rollout.other_update

    def other_update(self: Rollout, key: Key) -> OngoingUpdate | None:
        found = true(self, key)
        return None if found is None or found.failed else found

    monkeypatch.setattr(Rollout, "other_update", other_update)


MUTANTS = (
    Mutant(
        "every model is updated at once",
        1000,
        _all_at_once,
        needs=Fault.UPGRADE,
        unit_test=f"{_ROLLING_OUT}::test_good_tag_reaches_all_and_at_most_one_does_not_answer",
    ),
    Mutant(
        "an update that fails does not stop the others",
        2000,
        _failure_stops_nobody,
        needs=Fault.UPGRADE,
        unit_test=f"{_ROLLING_OUT}::test_wrong_tag_stops_at_the_first_workspace_and_says_so",
    ),
)
