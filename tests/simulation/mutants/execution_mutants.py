"""Bugs in the execution of correct decisions."""

import pytest

from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import CloudError
from gpu_provisioner.controllers.claim_writer import ClaimWriter
from gpu_provisioner.controllers.pool_writer import PoolWriter
from gpu_provisioner.controllers.reconciler import Reconciler
from gpu_provisioner.lifecycle.observed import Observed
from kaito_kube.errors import Conflict
from tests.simulation.mutants.mutant import Mutant


def _released_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def confirm_gone(self: PoolWriter, claim: Claim, name: str) -> None:
        """Believes the listing."""

    monkeypatch.setattr(PoolWriter, "confirm_gone", confirm_gone)


def _conflict_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    true = ClaimWriter._patch_finalizers

    async def finalizers(self: ClaimWriter, claim: Claim, *, add: bool) -> None:
        try:
            await true(self, claim, add=add)
        except Conflict:
            return

    monkeypatch.setattr(ClaimWriter, "_patch_finalizers", finalizers)


def _deletion_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Reconciler._back_off

    async def set_back(self: Reconciler, observed: Observed, error: CloudError) -> float | None:
        pause = await true(self, observed, error)
        return None if observed.claim.deleted is not None else pause

    monkeypatch.setattr(Reconciler, "_back_off", set_back)


MUTANTS = (
    Mutant(
        "a claim is released without looking up its pool",
        1000,
        _released_unasked,
        unit_test="gpu_provisioner/lifecycle/test_termination.py::"
        "test_young_pool_is_confirmed_gone_by_name",
    ),
    Mutant("a conflict is ignored", 500, _conflict_swallowed),
    Mutant(
        "a deletion is not retried after an error",
        1000,
        _deletion_not_retried,
    ),
)
