"""Bugs in what is replaced, and when."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpu_provisioner.lifecycle import instance_state, repair
from gpu_provisioner.lifecycle.observed import NodeHealthSummary, Observed
from gpu_provisioner.lifecycle.plan import StageResult
from gpu_provisioner.lifecycle.repair import NodeFailure, tolerate
from kaito_api.reasons import Reason
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant

_REPAIR = "gpu_provisioner/lifecycle/test_repair.py"
_INSTANCES = "gpu_provisioner/lifecycle/test_instance_state.py"


def _unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeHealthSummary, "allows_repair", property(lambda self: True))


def _gone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def tolerated(observed: Observed, failure: NodeFailure, shown: StageResult) -> StageResult:
        return tolerate(observed, replace(failure, toleration=timedelta(0)), shown)

    monkeypatch.setattr(instance_state, "tolerate", tolerated)


def _spot_gone_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_state, "_SPOT_TOLERATION", timedelta(0))


def _gone_since_creation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance_state, "_gone_since", lambda observed: observed.claim.created)


def _changing_is_repaired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repair, "_pool_is_changing", lambda observed: False)


def _spot_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    true = instance_state._reason

    def reason(observed: Observed) -> Reason:
        found = true(observed)
        return Reason.NODE_GONE if found is Reason.SPOT_EVICTED else found

    monkeypatch.setattr(instance_state, "_reason", reason)


MUTANTS = (
    Mutant(
        "more than a fifth of the nodes is given up",
        1000,
        _unlimited,
        needs=Fault.BREAKS,
        unit_test=f"{_REPAIR}::test_repair_is_blocked_above_a_fifth_of_nodes",
        rare=True,
    ),
    Mutant(
        "a machine without its Node is given up at once",
        1000,
        _gone_at_once,
        needs=Fault.NODE_DELETED,
        unit_test=f"{_INSTANCES}::test_node_that_returns_in_time_is_kept",
    ),
    Mutant(
        "a spot machine without its Node is given up at once",
        1000,
        _spot_gone_at_once,
        needs=Fault.NODE_DELETED,
        unit_test=f"{_INSTANCES}::test_spot_node_that_was_only_deleted_may_return",
        rare=True,
    ),
    Mutant(
        "a Node is missing since the claim was created",
        1000,
        _gone_since_creation,
        needs=Fault.NODE_DELETED,
        unit_test=f"{_INSTANCES}::"
        "test_age_of_the_trouble_counts_from_its_begin_and_not_from_the_join",
    ),
    Mutant(
        "the node of a pool that AKS changes is given up",
        0,
        _changing_is_repaired,
        unit_test=f"{_REPAIR}::test_changing_pool_is_left_to_the_cloud",
    ),
    Mutant(
        "an evicted spot machine is waited for",
        1000,
        _spot_is_waited_for,
        needs=Fault.SPOT,
        unit_test=f"{_INSTANCES}::test_evicted_spot_claim_is_deleted_within_a_minute",
    ),
)
