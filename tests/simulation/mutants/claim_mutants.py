"""Wrong decisions about a claim, and decisions wrongly carried out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gpu_provisioner import agent_pools, reconciler
from gpu_provisioner.claim import Claim
from gpu_provisioner.cloud import CloudError, Pool
from gpu_provisioner.lifecycle import launch, registration
from gpu_provisioner.lifecycle.decide import decide
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import AddFinalizer, Plan, Release
from gpu_provisioner.reconciler import Reconciler
from kaito_kube.errors import Conflict, NotFound
from kaito_kube.kinds import NODE
from tests.simulation.mutants.mutant import Mutant


def _finalizer_after_create(monkeypatch: pytest.MonkeyPatch) -> None:
    def decided(observed: Observed) -> Plan:
        claim = observed.claim
        if claim.has_finalizer or claim.deleted is not None:
            return decide(observed)
        plan = decide(replace(observed, claim=replace(claim, has_finalizer=True)))
        return replace(plan, actions=(*plan.actions, AddFinalizer()))

    monkeypatch.setattr(reconciler, "decide", decided)


def _finalizer_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def decided(observed: Observed) -> Plan:
        plan = decide(observed)
        release = Release(observed.claim.name, None)
        gone = observed.claim.deleted is not None and observed.claim.has_finalizer
        return replace(plan, actions=(release,)) if gone and observed.pools_known else plan

    monkeypatch.setattr(reconciler, "decide", decided)
    _released_unasked(monkeypatch)


def _released_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def release(self: Reconciler, claim: Claim, pool: str, node: str | None) -> None:
        if node is not None:
            await self._ignoring_absence(NODE, node)
        await self._finalizers(claim, add=False)

    monkeypatch.setattr(Reconciler, "_release", release)


def _failed_pools_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "FAILED_POOL_GRACE", timedelta(0))


def _registration_since_creation(monkeypatch: pytest.MonkeyPatch) -> None:
    true = registration._missing

    def missing(observed: Observed) -> object:
        claim = observed.claim
        launched = {"type": claim.kind.launched, "status": "True",
                    "lastTransitionTime": claim.manifest["metadata"]["creationTimestamp"]}  # fmt: skip
        manifest = {**claim.manifest, "status": {"conditions": [launched]}}
        return true(replace(observed, claim=replace(claim, manifest=manifest)))

    monkeypatch.setattr(registration, "_missing", missing)


def _conflict_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Reconciler._finalizers

    async def finalizers(self: Reconciler, claim: Claim, *, add: bool) -> None:
        try:
            await true(self, claim, add=add)
        except Conflict:
            return

    monkeypatch.setattr(Reconciler, "_finalizers", finalizers)


def _deletion_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    true = Reconciler._set_back

    async def set_back(self: Reconciler, observed: Observed, error: CloudError) -> float | None:
        pause = await true(self, observed, error)
        return None if observed.claim.deleted is not None else pause

    monkeypatch.setattr(Reconciler, "_set_back", set_back)


def _owned_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def belongs_to(pool: Pool, claim: Claim) -> bool:
        return pool.name == claim.name

    monkeypatch.setattr(agent_pools, "belongs_to", belongs_to)


def _ready_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    from gpu_provisioner.lifecycle import decide as module

    monkeypatch.setattr(module, "is_ready", lambda node: True)


MUTANTS = (
    Mutant("the finalizer is added after the create", _finalizer_after_create),
    Mutant("the finalizer goes before the pool", _finalizer_goes_first),
    Mutant("a claim is released without asking the cloud once more", _released_unasked),
    Mutant("a failed pool goes at once", _failed_pools_go_at_once),
    Mutant("the time to register counts from the claim's creation", _registration_since_creation),
    Mutant("a conflict is swallowed", _conflict_swallowed),
    Mutant("a deletion is not tried again after an error", _deletion_not_retried),
    Mutant("a pool is taken for a claim's by its name", _owned_by_name),
    Mutant("what was Ready once is Ready for ever", _ready_for_ever),
)
