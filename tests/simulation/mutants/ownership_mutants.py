"""Bugs in whose pool it is, and in putting its marks back."""

from collections.abc import Iterable

import pytest

from gpu_provisioner.agent_pools import marks, ownership
from gpu_provisioner.agent_pools.ownership import Ownership
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.lifecycle import cluster_identity, mark_repair, termination
from gpu_provisioner.lifecycle.cluster_identity import Identity
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import RemoveFinalizer, StageResult
from gpu_provisioner.lifecycle.retry_pause import Pause
from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant

_LOST_MARKS = "gpu_provisioner/controllers/test_lost_marks.py"
_TAKEN = "gpu_provisioner/controllers/test_taken_names.py"
_ADOPTION = "gpu_provisioner/controllers/test_upstream_adoption.py"
_GARBAGE = "gpu_provisioner/lifecycle/test_garbage_collection.py"


def _tags_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> Ownership:
        is_own = pool.tags.get(marks.CLAIM_UID) == claim.uid
        return Ownership.OWN if is_own else Ownership.FOREIGN

    monkeypatch.setattr(ownership, "judge", judge)


def _case_of_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "tag", lambda pool, name: pool.tags.get(name, ""))


def _marks_stay_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gpu_provisioner.lifecycle.decide.mark_repair", lambda observed: StageResult(done=True)
    )


def _failed_mark_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_repair, "_OUTCOME_SECONDS", None)


def _marks_at_constant_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpu_provisioner.state.mark_repairs.PAUSE", Pause(60.0, 60.0))


def _any_pool_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mark_repair, "_may_be_written", lambda pool: True)


def _contested_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def contested(observed: Observed, pool: Pool) -> StageResult:
        return StageResult(actions=(RemoveFinalizer(()),))

    monkeypatch.setattr(termination, "_contested", contested)


def _any_history(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "has_kept_pool", lambda claim: True)


def _upstream_birth_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    true = ownership.judge

    def judge(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> Ownership:
        is_upstream = not marks.has_uid(pool) and labels.CREATION_TIMESTAMP in pool.labels
        return Ownership.OWN if is_upstream else true(pool, claim, nodes)

    monkeypatch.setattr(ownership, "judge", judge)


def _upstream_is_foreign(monkeypatch: pytest.MonkeyPatch) -> None:
    true = ownership.judge

    def judge(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> Ownership:
        return true(pool, claim, nodes) if marks.has_uid(pool) else Ownership.FOREIGN

    monkeypatch.setattr(ownership, "judge", judge)


def _cluster_tag_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ownership, "names_other_cluster", lambda pool, cluster: False)


def _identity_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_identity, "identify", lambda state, nodes: Identity.UNKNOWN)
    monkeypatch.setattr(
        "gpu_provisioner.state.identity_monitor.identify", lambda state, nodes: Identity.UNKNOWN
    )


MUTANTS = (
    Mutant(
        "ownership rests on tags alone",
        1000,
        _tags_alone,
        needs=Fault.MARKS_LOST,
        unit_test=f"{_LOST_MARKS}::test_lost_marks_are_put_back_and_the_node_stays_ready",
    ),
    Mutant(
        "the case of the names of tags counts",
        0,
        _case_of_tags,
        unit_test=f"{_GARBAGE}::test_names_of_tags_have_no_case",
    ),
    Mutant(
        "lost marks are not put back",
        1000,
        _marks_stay_lost,
        needs=Fault.MARKS_LOST,
        unit_test=f"{_LOST_MARKS}::test_lost_marks_are_put_back_and_the_node_stays_ready",
    ),
    Mutant(
        "an attempt to put marks back that fails is not repeated",
        0,
        _failed_mark_is_not_repeated,
        unit_test=f"{_LOST_MARKS}::test_attempt_that_fails_is_repeated_although_nothing_changes",
    ),
    Mutant(
        "marks are put back at constant pauses",
        0,
        _marks_at_constant_pauses,
        unit_test=f"{_LOST_MARKS}::test_policy_that_strips_tags_again_is_met_with_growing_pauses",
    ),
    Mutant(
        "a pool in operation is marked",
        0,
        _any_pool_is_written,
        unit_test=f"{_LOST_MARKS}::test_pool_in_operation_is_not_written",
    ),
    Mutant(
        "a contested pool does not hold its claim",
        0,
        _contested_is_let_go,
        unit_test=f"{_LOST_MARKS}::"
        "test_pool_with_contradicting_marks_is_neither_deleted_nor_let_go",
    ),
    Mutant(
        "a Node proves whose pool it is after that was missing",
        0,
        _any_history,
        unit_test=f"{_TAKEN}::"
        "test_pool_that_takes_the_name_of_a_deleted_one_gets_nothing_from_its_late_machine",
    ),
    Mutant(
        "every pool of KAITO's own is adopted by its name",
        1000,
        _upstream_birth_unread,
        needs=Fault.UPSTREAM,
        unit_test=f"{_ADOPTION}::test_pool_of_an_earlier_claim_is_not_adopted",
    ),
    Mutant(
        "pools of KAITO's own are not adopted",
        500,
        _upstream_is_foreign,
        needs=Fault.UPSTREAM,
        unit_test=f"{_ADOPTION}::"
        "test_ready_node_stays_ready_for_a_day_and_nothing_is_created_or_deleted",
    ),
    Mutant(
        "the cluster that a tag names is ignored",
        0,
        _cluster_tag_unread,
        unit_test=f"{_GARBAGE}::test_pool_that_names_another_cluster_is_nobodys_orphan",
    ),
    Mutant(
        "the settings of another cluster are accepted",
        0,
        _identity_unchecked,
        unit_test="gpu_provisioner/controllers/test_wrong_cluster.py::"
        "test_replica_ends_before_it_leads_or_touches_anything",
    ),
)
