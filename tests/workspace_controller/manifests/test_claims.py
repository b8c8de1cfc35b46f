"""Machine, NodeClaim and NodePool as gpu-provisioner and Karpenter accept them."""

import re
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from kaito_api import labels
from kaito_api.karpenter import MachineSpec, NodeClaimSpec
from kaito_kube.kinds import Manifest
from tests.workspace_controller.given import INSTANCE, OWNER
from workspace_controller.manifests.claims import (
    NodeNeed,
    claim_name,
    machine,
    node_claim,
    node_pool,
    pool_name,
)
from workspace_controller.manifests.metadata import Owner

NEED = NodeNeed(
    owner=OWNER,
    count=2,
    instance_type=INSTANCE,
    node_labels={"app": "phi"},
    disk_gib=88,
    node_annotations={labels.NODE_IMAGE_FAMILY: "ubuntu", labels.OS_DISK_TYPE: "ephemeral"},
)


def requirements(manifest: Manifest) -> dict[str, list[str]]:
    return {r["key"]: r["values"] for r in manifest["spec"]["requirements"]}


@pytest.mark.parametrize("index", range(20))
def test_claim_name_is_a_stable_agent_pool_name(index: int) -> None:
    assert re.fullmatch(r"ws[0-9a-f]{9}", claim_name(OWNER, index))
    assert claim_name(OWNER, index) == claim_name(OWNER, index)


def test_claim_names_differ_by_index_and_workspace() -> None:
    owners = [OWNER, Owner("x", "ws", OWNER.uid), Owner("team", "x", OWNER.uid),
              Owner("team", "ws", "x")]  # fmt: skip
    names = {claim_name(owner, index) for owner in owners for index in range(3)}
    assert len(names) == 12


@pytest.mark.parametrize("build", [machine, node_claim], ids=["machine", "nodeclaim"])
def test_both_kinds_of_claim_share_labels_and_taint(build: Any) -> None:
    made = build(NEED, 0)
    has = made["metadata"]["labels"]
    assert has.items() >= {**OWNER.labels, "app": "phi", labels.WORKSPACE_UID: OWNER.uid}.items()
    assert made["metadata"]["annotations"] == {
        labels.DO_NOT_DISRUPT: "true",
        labels.NODE_IMAGE_FAMILY: "ubuntu",
        labels.OS_DISK_TYPE: "ephemeral",
    }
    assert requirements(made)[labels.INSTANCE_TYPE] == [INSTANCE]
    assert made["spec"]["taints"] == [{"key": "sku", "value": "gpu", "effect": "NoSchedule"}]
    assert made["spec"]["resources"] == {"requests": {"storage": "88Gi"}}


@pytest.mark.parametrize(
    ("build", "schema"),
    [(machine, MachineSpec), (node_claim, NodeClaimSpec)],
    ids=["machine", "nodeclaim"],
)
def test_claims_match_their_crd(build: Any, schema: type[BaseModel]) -> None:
    schema.model_validate(build(NEED, 0)["spec"])


@pytest.mark.parametrize("build", [machine, node_claim], ids=["machine", "nodeclaim"])
def test_the_selectors_capacity_type_is_required_of_the_node(build: Any) -> None:
    spot = replace(NEED, node_labels={**NEED.node_labels, labels.CAPACITY_TYPE: "spot"})
    assert requirements(build(spot, 0))[labels.CAPACITY_TYPE] == ["spot"]
    assert labels.CAPACITY_TYPE not in requirements(build(NEED, 0))


def test_fields_of_a_machine() -> None:
    made = machine(NEED, 0)
    assert made["metadata"]["labels"]["karpenter.sh/provisioner-name"] == "default"
    assert made["spec"]["machineTemplateRef"] == {"name": made["metadata"]["name"]}
    assert requirements(made)[labels.MACHINE_TYPE] == ["gpu"]


def test_fields_of_a_node_claim() -> None:
    made = node_claim(NEED, 0)
    assert made["metadata"]["labels"]["karpenter.sh/nodepool"] == "kaito"
    assert made["spec"]["nodeClassRef"] == {
        "group": "kaito.sh",
        "kind": "KaitoNodeClass",
        "name": "default",
    }


def test_pool_has_fixed_replicas_and_labels_its_nodes() -> None:
    made = node_pool(NEED)
    assert made["spec"]["replicas"] == 2
    template = made["spec"]["template"]
    assert template["metadata"]["labels"].items() >= OWNER.labels.items()
    assert template["spec"]["nodeClassRef"]["kind"] == "AKSNodeClass"


@pytest.mark.parametrize(
    ("namespace", "name"), [("team", "ws"), ("n" * 63, "w" * 52), ("n" * 10, "w" * 52)]
)
def test_pool_name_leaves_room_for_karpenters_suffix(namespace: str, name: str) -> None:
    made = pool_name(Owner(namespace, name, "u"))
    assert len(f"aks-{made}-12345") <= 64
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", made)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (Owner("n" * 63, "w" * 50 + "1", "u"), Owner("n" * 63, "w" * 50 + "2", "u")),
        (Owner("a-b", "c", "u"), Owner("a", "b-c", "u")),
        (Owner("a", "b", "u"), Owner("a", "b", "v")),
    ],
    ids=["long", "dashes", "of the same name, after it"],
)
def test_pools_of_two_workspaces_never_share_a_name(one: Owner, two: Owner) -> None:
    assert pool_name(one) != pool_name(two)


def test_static_pool_has_only_allowed_fields() -> None:
    spec = node_pool(NEED)["spec"]
    assert not {"weight", "limits"} & set(spec)
    assert set(spec["disruption"]) >= {"consolidateAfter"}
    assert "resources" not in spec["template"]["spec"]


def test_spot_is_used_only_when_requested() -> None:
    def wanted(need: NodeNeed) -> list[list[str]]:
        found = node_pool(need)["spec"]["template"]["spec"]["requirements"]
        return [r["values"] for r in found if r["key"] == labels.CAPACITY_TYPE]

    assert wanted(NEED) == [["on-demand", "reserved"]]
    assert wanted(replace(NEED, node_labels={labels.CAPACITY_TYPE: "spot"})) == []
