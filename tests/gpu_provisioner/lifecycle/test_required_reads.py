"""Which reads a decision needs: none that could not change it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gpu_provisioner.claims import claim as claims
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.cloud.errors import CloudUnavailable
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.observed import CloudBackoff
from gpu_provisioner.lifecycle.required_reads import (
    needs_node_health,
    needs_pods,
    needs_selection,
)
from kaito_api import labels
from kaito_api.reasons import Reason
from kaito_kube.kinds import NODE_CLAIM, Manifest
from tests.gpu_provisioner.world import NAME, claim_manifest

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ERROR = CloudUnavailable(Reason.CLOUD_UNAVAILABLE, "no response")
DELETED: Manifest = {"deletionTimestamp": "2026-01-01T11:59:00Z"}
JOINED: Manifest = {"nodeName": f"aks-{NAME}-0"}


def claim(status: Manifest | None = None, **metadata: Any) -> Claim:
    manifest = claim_manifest(NODE_CLAIM)
    manifest["metadata"] |= {
        "uid": "u1",
        "creationTimestamp": "2026-01-01T11:00:00Z",
        "finalizers": [labels.TERMINATION_FINALIZER],
        **metadata,
    }
    return claims.parse(NODE_CLAIM, {**manifest, "status": status or {}})


def pool(state: PoolState) -> Pool:
    return Pool(name=NAME, state=state, instance_type="Standard_NC6s_v3")


def node(ready: str) -> Manifest:
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": f"aks-{NAME}-0"}, "status": {"conditions": conditions}}


def backoff(seconds: float) -> CloudBackoff:
    return CloudBackoff(ERROR, NOW - timedelta(minutes=1), NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("subject", "existing", "last_error", "needed"),
    [
        (claim(), None, None, True),
        (claim(), None, backoff(0), True),
        (claim(), None, backoff(1), False),
        (claim(), pool(PoolState.CREATING), None, False),
        (claim(JOINED), None, None, False),
        (claim(finalizers=[]), None, None, False),
        (claim(**DELETED), None, None, False),
    ],
    ids=[
        "new",
        "backoff is over",
        "in backoff",
        "pool exists",
        "joined",
        "no finalizer",
        "deleted",
    ],
)
def test_selection_is_needed_only_before_a_create(
    subject: Claim, existing: Pool | None, last_error: CloudBackoff | None, needed: bool
) -> None:
    assert needs_selection(subject, existing, last_error, NOW) is needed


@pytest.mark.parametrize(
    ("subject", "state", "nodes", "needed"),
    [
        (claim(**DELETED), PoolState.SUCCEEDED, [node("True")], True),
        (claim(**DELETED), PoolState.DELETING, [node("True")], False),
        (claim(**DELETED), PoolState.SUCCEEDED, [], False),
        (claim(), PoolState.SUCCEEDED, [node("True")], False),
    ],
    ids=["draining", "machine is being deleted", "no node", "not deleted"],
)
def test_pods_are_needed_only_for_a_drain(
    subject: Claim, state: PoolState, nodes: list[Manifest], needed: bool
) -> None:
    assert needs_pods(subject, pool(state), nodes) is needed


@pytest.mark.parametrize(
    ("subject", "nodes", "needed"),
    [
        (claim(JOINED), [node("False")], True),
        (claim(JOINED), [], True),
        (claim(JOINED), [node("True")], False),
        (claim(), [node("False")], False),
    ],
    ids=["not Ready", "gone", "Ready", "never joined"],
)
def test_node_health_is_needed_only_for_a_repair(
    subject: Claim, nodes: list[Manifest], needed: bool
) -> None:
    assert needs_node_health(subject, nodes) is needed
