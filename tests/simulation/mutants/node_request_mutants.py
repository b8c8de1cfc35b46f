"""Bugs in how workspace-controller requests and releases nodes."""

from dataclasses import replace
from itertools import count

import pytest

from kaito_api import labels
from kaito_api.workspace import WorkspaceSpec
from kaito_kube.kinds import Key
from tests.simulation.mutants.mutant import Mutant
from workspace_controller.manifests import claims
from workspace_controller.manifests.metadata import Owner
from workspace_controller.observed import Claim, Observed
from workspace_controller.observer import Observer
from workspace_controller.plan import deletion
from workspace_controller.plan.nodes.claim_status import claim_is_ready
from workspace_controller.plan.nodes.provisioning import NodePlan, decide_nodes
from workspace_controller.plan.nodes.release import claims_to_delete
from workspace_controller.reconciler import Reconciler


def _another_name_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = count()

    def claim_name(creator: Owner, index: int) -> str:
        return f"ws{next(numbers):09x}"

    monkeypatch.setattr(claims, "claim_name", claim_name)


def _unready_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    def decide(observed: Observed, spec: WorkspaceSpec, target: int) -> NodePlan:
        found = decide_nodes(observed, spec, target)
        joined = [c for c in observed.claims if (c.manifest.get("status") or {}).get("nodeName")]
        broken = claims_to_delete([c for c in joined if not claim_is_ready(c)])
        return replace(found, actions=(*found.actions, *broken))

    monkeypatch.setattr("workspace_controller.plan.nodes.wanted.decide_nodes", decide)


def _never_requeues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deletion, "_CLAIMS_REQUEUE_SECONDS", None)


def _leaves_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    async def reconcile_absence(self: Reconciler, key: Key) -> None:
        return

    monkeypatch.setattr(Reconciler, "_reconcile_absence", reconcile_absence)


def _namespaces_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claims are found by the name of their Workspace alone."""
    true = Observer._claims

    def claims_of(self: Observer, owner_labels: dict[str, str]) -> tuple[Claim, ...]:
        return true(self, {labels.WORKSPACE: owner_labels[labels.WORKSPACE]})

    monkeypatch.setattr(Observer, "_claims", claims_of)


MUTANTS = (
    Mutant(
        "claims of another namespace's Workspace of that name are taken for its own",
        500,
        _namespaces_are_one,
        unit_test="workspace_controller/test_observer.py::"
        "test_claims_of_a_namesake_in_another_namespace_are_not_its_own",
    ),
    Mutant("a claim gets a new name each time", 500, _another_name_each_time),
    Mutant("a node that is not Ready is released", 500, _unready_is_released),
    # Pods and Jobs that change while a Workspace is deleted hide it in most schedules.
    Mutant("a deleted Workspace is not requeued", 1000, _never_requeues),
    Mutant("claims of a deleted Workspace are not removed", 500, _leaves_claims),
)
