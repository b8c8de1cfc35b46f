"""What each source requests, given the claims that exist."""

from collections.abc import Sequence

import pytest

from kaito_kube.kinds import MACHINE, NODE_CLAIM, NODE_POOL
from tests.workspace_controller.given import INSTANCE, OWNER, claim
from workspace_controller.manifests.claims import NodeNeed
from workspace_controller.observed import Claim
from workspace_controller.plan.nodes.sources import SOURCES, requested_nodes
from workspace_controller.plan.plan import Apply, Create
from workspace_controller.settings import NodeProvisioner


def pool(size: int, *, deleting: bool = False) -> Claim:
    manifest = claim(kind=NODE_POOL, deleting=deleting).manifest
    metadata = {**manifest["metadata"], "name": "team-ws"}
    return Claim(NODE_POOL, {**manifest, "metadata": metadata, "spec": {"replicas": size}})


def pooled(index: int, *, deleting: bool = False) -> Claim:
    return claim(index, kind=NODE_CLAIM, from_pool=True, deleting=deleting)


def asked(provisioner: str, count: int, claims: Sequence[Claim]) -> list[str]:
    """Machine or NodeClaim for each claim, NodePool:replicas for a pool."""
    need = NodeNeed(owner=OWNER, count=count, instance_type=INSTANCE, node_labels={"app": "phi"})
    requests = []
    for action in SOURCES[NodeProvisioner(provisioner)].request(need, claims):
        assert isinstance(action, Create | Apply)
        size = f":{action.manifest['spec']['replicas']}" if action.kind == NODE_POOL else ""
        requests.append(f"{action.kind}{size}")
    return requests


CASES: dict[str, tuple[int, Sequence[Claim], dict[str, list[str]]]] = {
    "nothing there": (
        2, [], {"machine": ["Machine"] * 2, "nodeclaim": ["NodeClaim"] * 2,
                "nodepool": ["NodePool:2"]},
    ),
    "nothing needed": (0, [], {}),
    "a Machine": (1, [claim(0)], {}),
    "one Machine of two": (
        2, [claim(0)], {"machine": ["Machine"], "nodeclaim": ["NodeClaim"],
                        "nodepool": ["NodePool:1"]},
    ),
    "a NodeClaim": (1, [claim(0, kind=NODE_CLAIM)], {}),
    "a Machine being deleted": (1, [claim(0, deleting=True)], {"nodepool": ["NodePool:1"]}),
    "a pool without claims yet": (2, [pool(2)], {}),
    "a pool with its claims": (2, [pool(2), pooled(0), pooled(1)], {}),
    "a pool one of whose claims is replaced": (
        2, [pool(2), pooled(0, deleting=True), pooled(1), pooled(2)], {},
    ),
    "a pool that is too small": (
        2, [pool(1), pooled(0)], {"machine": ["Machine"], "nodeclaim": ["NodeClaim"],
                                  "nodepool": ["NodePool:2"]},
    ),
    "a pool that is larger": (1, [pool(3)], {}),
    "a pool beside a Machine": (2, [pool(1), claim(0)], {}),
    "a pool that grows beside a Machine": (
        3, [pool(1), claim(0)], {"machine": ["Machine"], "nodeclaim": ["NodeClaim"],
                                 "nodepool": ["NodePool:2"]},
    ),
    "a pool being deleted": (
        1, [pool(1, deleting=True)], {"machine": ["Machine"], "nodeclaim": ["NodeClaim"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("provisioner", NodeProvisioner)
@pytest.mark.parametrize(("count", "claims", "wanted"), CASES.values(), ids=CASES)
def test_source_requests_missing_nodes(
    provisioner: str, count: int, claims: Sequence[Claim], wanted: dict[str, list[str]]
) -> None:
    assert asked(provisioner, count, claims) == wanted.get(provisioner, [])


def test_claims_of_a_pool_are_part_of_its_replicas() -> None:
    assert requested_nodes([pool(2), pooled(0), pooled(1), claim(0), claim(1, deleting=True)]) == 3
    assert requested_nodes([pool(2, deleting=True), pooled(0)]) == 0


def test_kind_of_each_source() -> None:
    assert {p.value: source.kind for p, source in SOURCES.items()} == {
        "machine": MACHINE,
        "nodeclaim": NODE_CLAIM,
        "nodepool": NODE_POOL,
        "byo": None,
    }
