"""Machine, NodeClaim and NodePool: requests for one node, or for a number of them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kaito_api import labels
from kaito_kube import kinds
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner

DEFAULT_PROVISIONER = "default"


CLAIMS_POOL = "kaito"


KAITO_NODE_CLASS = "kaito.sh/KaitoNodeClass/default"


AKS_NODE_CLASS = "karpenter.azure.com/AKSNodeClass/default"


# For pods whose images are not known in advance.
UNKNOWN_DISK_GIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNeed:
    """The nodes that one Workspace requests.

    `node_annotations` are the Workspace's annotations for the provisioner, and `node_class` is
    group/kind/name; empty for the default.
    """

    owner: Owner
    count: int
    instance_type: str
    node_labels: Mapping[str, str]
    disk_gib: int = UNKNOWN_DISK_GIB
    node_annotations: Mapping[str, str] = field(default_factory=dict)
    node_class: str = ""


def claim_name(owner: Owner, index: int) -> str:
    """The name of the claim and of its agent pool.

    Depends only on the Workspace and the index, so that a repeated request creates nothing.
    11 characters, because AKS allows 12 for an agent pool on Linux.
    """
    identity = f"{owner.namespace}/{owner.name}/{owner.uid}/{index}"
    return "ws" + hashlib.sha256(identity.encode()).hexdigest()[:9]


def machine(need: NodeNeed, index: int) -> Manifest:
    name = claim_name(need.owner, index)
    return {
        "metadata": {
            "name": name,
            "labels": {labels.PROVISIONER_NAME: DEFAULT_PROVISIONER, **_labels(need)},
            "annotations": _annotations(need),
        },
        "spec": {
            "machineTemplateRef": {"name": name},
            "requirements": [
                _in(labels.PROVISIONER_NAME, DEFAULT_PROVISIONER),
                _in(labels.INSTANCE_TYPE, need.instance_type),
                _in(labels.MACHINE_TYPE, "gpu"),
                _in(labels.ARCH, "amd64"),
                _in(labels.OPERATING_SYSTEM, "linux"),
                *_requested_capacity(need),
            ],
            "taints": [dict(_TAINT)],
            "resources": {"requests": {"storage": f"{need.disk_gib}Gi"}},
        },
    }


def node_claim(need: NodeNeed, index: int) -> Manifest:
    return {
        "metadata": {
            "name": claim_name(need.owner, index),
            "labels": {labels.NODE_POOL: CLAIMS_POOL, **_labels(need)},
            "annotations": _annotations(need),
        },
        "spec": {
            **_template_spec(need, need.node_class or KAITO_NODE_CLASS),
            "requirements": [
                _in(labels.NODE_POOL, CLAIMS_POOL),
                _in(labels.INSTANCE_TYPE, need.instance_type),
                _in(labels.OPERATING_SYSTEM, "linux"),
                *_requested_capacity(need),
            ],
            "resources": {"requests": {"storage": f"{need.disk_gib}Gi"}},
        },
    }


def pool_name(owner: Owner) -> str:
    """<namespace>-<name>-<digest>.

    The digest distinguishes the namespace a-b with the name c from the namespace a with the name
    b-c, and from an earlier Workspace of the same name. Karpenter appends a suffix to name the
    machine, and Azure allows 64 characters for that.
    """
    plain = f"{owner.namespace}-{owner.name}"[:40].rstrip("-.")
    identity = f"{owner.namespace}/{owner.name}/{owner.uid}"
    return f"{plain}-{hashlib.sha256(identity.encode()).hexdigest()[:9]}"


def node_pool(need: NodeNeed) -> Manifest:
    """A NodePool with a fixed number of replicas, from which Karpenter creates the NodeClaims.

    Such a pool must not have a weight, nor limits on anything but nodes. The disk is a setting of
    its node class.
    """
    return {
        "metadata": {"name": pool_name(need.owner), "labels": _labels(need)},
        "spec": {
            "replicas": need.count,
            "disruption": {
                "consolidateAfter": "0s",
                "budgets": [{"nodes": "1", "reasons": ["Drifted"]}],
            },
            "template": {
                "metadata": {"labels": _labels(need), "annotations": _annotations(need)},
                "spec": {
                    **_template_spec(need, need.node_class or AKS_NODE_CLASS),
                    "requirements": [
                        _in(labels.INSTANCE_TYPE, need.instance_type),
                        _in(labels.OPERATING_SYSTEM, "linux"),
                        *_capacity_type(need),
                    ],
                },
            },
        },
    }


def _requested_capacity(need: NodeNeed) -> list[dict[str, Any]]:
    """A label alone requests nothing: gpu-provisioner reads the requirements."""
    wanted = need.node_labels.get(labels.CAPACITY_TYPE)
    return [_in(labels.CAPACITY_TYPE, wanted)] if wanted else []


def _capacity_type(need: NodeNeed) -> list[dict[str, Any]]:
    """Without it Karpenter prefers spot machines, and they are evicted in the middle of a run."""
    if labels.CAPACITY_TYPE in need.node_labels:
        return []
    return [{"key": labels.CAPACITY_TYPE, "operator": "In", "values": ["on-demand", "reserved"]}]


# Keeps away pods that need no GPU. The pods of Workspaces tolerate it.
_TAINT: Mapping[str, str] = {
    "key": labels.GPU_TAINT_KEY,
    "value": labels.GPU_TAINT_VALUE,
    "effect": "NoSchedule",
}


def _template_spec(need: NodeNeed, node_class: str) -> Manifest:
    group, kind, name = node_class.split("/")
    return {
        "nodeClassRef": {"group": group, "kind": kind, "name": name},
        "taints": [dict(_TAINT)],
        # A replaced node would interrupt the run or the model.
        "expireAfter": "Never",
    }


def _labels(need: NodeNeed) -> dict[str, str]:
    own = {**need.owner.labels, labels.WORKSPACE_UID: need.owner.uid}
    return {**need.node_labels, **own}


def _annotations(need: NodeNeed) -> dict[str, str]:
    # Karpenter must not consolidate a node that the Workspace uses.
    return {labels.DO_NOT_DISRUPT: "true", **need.node_annotations}


def _in(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}


CLAIM_KINDS = (kinds.MACHINE, kinds.NODE_CLAIM, kinds.NODE_POOL)
