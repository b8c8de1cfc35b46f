"""Bugs in drains, deletions and finalizers."""

from datetime import datetime, timedelta

import pytest

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.controllers.claim_writer import ClaimWriter
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.lifecycle import drain, termination
from gpu_provisioner.lifecycle.observed import CloudBackoff, Observed
from gpu_provisioner.lifecycle.plan import StageResult
from gpu_provisioner.lifecycle.retry_pause import Pause
from kaito_api import labels
from kaito_kube.kinds import Manifest
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant

_LIFECYCLE = "gpu_provisioner/controllers/test_claim_lifecycle.py"
_TERMINATION = "gpu_provisioner/lifecycle/test_termination.py"
_PAUSES = "gpu_provisioner/lifecycle/test_retry_pause.py"


def _not_drained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(termination, "drain", lambda observed: StageResult(done=True))


def _drained_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def deadline(observed: Observed, node: Manifest) -> datetime:
        return observed.now + timedelta(hours=1)

    monkeypatch.setattr(drain, "_deadline", deadline)


def _not_cordoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "_cordon", lambda node: ())


def _every_finalizer_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def patch(self: ClaimWriter, claim: Claim, *, add: bool) -> None:
        finalizers = [labels.TERMINATION_FINALIZER] if add else None
        metadata = {
            "finalizers": finalizers,
            "resourceVersion": claim.manifest["metadata"]["resourceVersion"],
        }
        await self.cluster.patch(claim.kind.kind, claim.name, {"metadata": metadata})

    monkeypatch.setattr(ClaimWriter, "_patch_finalizers", patch)


def _budgets_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    async def delete(self: PoolWriter, name: str, etag: str = "") -> None:
        await self.cloud.delete(name, etag=etag)

    monkeypatch.setattr(PoolWriter, "delete", delete)


def _deleted_at_constant_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(termination, "_MAX_FAILED_RETRY", timedelta(seconds=30))


def _constant_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Pause, "after", lambda self, failures: self.first_seconds)


def _clock_goes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CloudBackoff, "applies", lambda self, now: now < self.not_before)


MUTANTS = (
    Mutant(
        "a pool is deleted before its node is drained",
        1000,
        _not_drained,
        needs=Fault.PODS,
        unit_test=f"{_LIFECYCLE}::test_pods_are_drained_before_pool_is_deleted",
    ),
    Mutant(
        "a drain has no deadline",
        0,
        _drained_for_ever,
        unit_test=f"{_LIFECYCLE}::test_blocked_drain_ends_at_its_timeout",
    ),
    Mutant(
        "a node that is drained gets new pods",
        0,
        _not_cordoned,
        unit_test=f"{_TERMINATION}::test_node_is_tainted_before_first_eviction",
    ),
    Mutant(
        "finalizers of others are taken off", 1000, _every_finalizer_goes, needs=Fault.FINALIZERS
    ),
    Mutant(
        "a drained pool waits for budgets again",
        0,
        _budgets_twice,
        unit_test=f"{_TERMINATION}::test_deletion_after_our_own_drain_ignores_budgets",
    ),
    Mutant(
        "a deletion that fails late is retried at constant pauses",
        0,
        _deleted_at_constant_pauses,
        unit_test=f"{_TERMINATION}::test_deletion_that_fails_late_is_retried_at_growing_pauses",
    ),
    Mutant(
        "calls that fail are repeated at constant pauses",
        0,
        _constant_pauses,
        unit_test=f"{_PAUSES}::test_pause_doubles_up_to_its_maximum",
    ),
    Mutant(
        "a clock that goes back holds the calls",
        0,
        _clock_goes_back,
        unit_test=f"{_PAUSES}::test_clock_that_goes_back_makes_no_claim_wait_for_it",
    ),
)
