"""Bugs in the decisions about a claim."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gpu_provisioner.agent_pools import ownership
from gpu_provisioner.agent_pools.ownership import Ownership
from gpu_provisioner.claims import claim
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.controllers import reconciler
from gpu_provisioner.lifecycle import decide as deciding
from gpu_provisioner.lifecycle import health, initialization, liveness, nodes, registration
from gpu_provisioner.lifecycle.cluster_stability import ClusterStability
from gpu_provisioner.lifecycle.decide import decide
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import AddFinalizer, Plan, RemoveFinalizer, StageResult
from gpu_provisioner.lifecycle.repair import NodeFailure, tolerate
from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import Kind, Manifest, labels_of
from tests.simulation.fault_injector import Fault
from tests.simulation.mutants.mutant import Mutant


def _finalizer_after_create(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(kind: Kind, manifest: Manifest) -> Claim:
        found = claim.parse(kind, manifest)
        return replace(found, has_finalizer=found.has_finalizer or found.deleted is None)

    def decided(observed: Observed) -> Plan:
        plan = decide(observed)
        there = observed.claim.manifest["metadata"].get("finalizers") or ()
        if observed.listed_at is None or labels.TERMINATION_FINALIZER in there:
            return plan
        return replace(plan, actions=(*plan.actions, AddFinalizer()))

    monkeypatch.setattr(reconciler, "parse", parsed)
    monkeypatch.setattr(reconciler, "decide", decided)


def _finalizer_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def terminate(observed: Observed) -> Plan:
        return Plan(
            actions=(RemoveFinalizer(tuple(node["metadata"]["name"] for node in observed.nodes)),)
        )

    monkeypatch.setattr(deciding, "terminate", terminate)


def _failed_pools_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "FAILED_POOL_GRACE", timedelta(0))


def _registration_since_creation(monkeypatch: pytest.MonkeyPatch) -> None:
    true = registration._not_registered

    def missing(observed: Observed) -> StageResult:
        launched = {
            "type": observed.claim.kind.launched,
            "status": "True",
            "reason": "Launched",
            "lastTransitionTime": observed.claim.manifest["metadata"]["creationTimestamp"],
        }
        manifest = {**observed.claim.manifest, "status": {"conditions": [launched]}}
        return true(replace(observed, claim=replace(observed.claim, manifest=manifest)))

    monkeypatch.setattr(registration, "_not_registered", missing)


def _owned_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(pool: Pool, claim: Claim, nodes: Iterable[Manifest] = ()) -> Ownership:
        return Ownership.OWN

    monkeypatch.setattr(ownership, "judge", judge)


def _late_joiner_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def belongs_to(node: Manifest, claim: Claim, owns_pool: bool, joins_marked: bool) -> bool:
        if labels_of(node).get(labels.CLAIM_UID) == claim.uid:
            return True
        return owns_pool and parse_time(node["metadata"]["creationTimestamp"]) >= claim.created

    monkeypatch.setattr(nodes, "_belongs_to", belongs_to)


def _ready_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "why_unusable", lambda observed, node: "")


def _joined_is_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialization, "_why_uninitialized", lambda observed, node: "")
    _ready_for_ever(monkeypatch)


def _repaired_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def tolerated(observed: Observed, breakage: NodeFailure, shown: StageResult) -> StageResult:
        return tolerate(observed, replace(breakage, toleration=timedelta(0)), shown)

    monkeypatch.setattr("gpu_provisioner.lifecycle.repair.tolerate", tolerated)


def _power_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_settled(self: ClusterStability, now: datetime, settle: timedelta) -> bool:
        return True

    monkeypatch.setattr(ClusterStability, "is_settled", is_settled)
    monkeypatch.setattr(
        "gpu_provisioner.lifecycle.repair.failing_since", lambda observed, since: since
    )


def _woken_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    def is_settled(self: ClusterStability, now: datetime, settle: timedelta) -> bool:
        return self.steady_since is not None

    monkeypatch.setattr(ClusterStability, "is_settled", is_settled)
    monkeypatch.setattr(
        "gpu_provisioner.lifecycle.repair.failing_since", lambda observed, since: since
    )


_LIFECYCLE = "gpu_provisioner/controllers/test_claim_lifecycle.py"
_RESTART = "gpu_provisioner/lifecycle/test_cluster_restart.py"
_REPAIR = "gpu_provisioner/lifecycle/test_repair.py"

MUTANTS = (
    Mutant(
        "the finalizer is added after the create",
        500,
        _finalizer_after_create,
    ),
    Mutant(
        "the finalizer is removed before the pool",
        500,
        _finalizer_goes_first,
        unit_test=f"{_LIFECYCLE}::test_claim_is_never_gone_before_its_pool",
    ),
    Mutant(
        "a failed pool is deleted at once",
        500,
        _failed_pools_go_at_once,
        unit_test="gpu_provisioner/lifecycle/test_late_machine.py::"
        "test_machine_that_joins_after_90_seconds_is_kept",
    ),
    Mutant(
        "the registration timeout starts at the claim's creation",
        2000,
        _registration_since_creation,
        needs=Fault.CREATE_SLOW,
        rare=True,
    ),
    Mutant(
        "a pool is matched to a claim by name only",
        500,
        _owned_by_name,
        unit_test=f"{_LIFECYCLE}::test_foreign_pool_is_never_touched",
    ),
    Mutant(
        "a machine that joins for an earlier claim is taken over",
        1000,
        _late_joiner_taken_over,
        needs=Fault.JOINS_TOO_LATE,
        unit_test="gpu_provisioner/lifecycle/test_registration.py::"
        "test_machine_that_joins_for_an_earlier_claim_is_not_taken_over",
    ),
    Mutant(
        "a node that was once Ready stays Ready",
        1000,
        _ready_for_ever,
        needs=Fault.BREAKS,
        unit_test=f"{_REPAIR}::test_claim_is_deleted_when_node_is_down_for_ten_minutes",
    ),
    Mutant(
        "a node that has joined counts as Ready",
        500,
        _joined_is_ready,
        unit_test=f"{_LIFECYCLE}::test_node_without_its_gpu_is_not_ready",
    ),
    Mutant(
        "a node that is not Ready is replaced at once",
        500,
        _repaired_at_once,
        unit_test=f"{_REPAIR}::test_recovered_node_is_kept",
    ),
    Mutant(
        "the power state is ignored",
        2000,
        _power_ignored,
        needs=Fault.STOP_START,
        unit_test="gpu_provisioner/controllers/test_garbage_collector.py::"
        "test_nothing_is_collected_while_cluster_is_unsteady",
    ),
    Mutant(
        "nodes are judged right after a cluster start",
        2000,
        _woken_is_settled,
        needs=Fault.STOP_START,
        unit_test=f"{_RESTART}::test_nodes_that_return_late_are_kept",
    ),
)
