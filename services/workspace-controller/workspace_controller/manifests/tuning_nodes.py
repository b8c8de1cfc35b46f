"""What a tuning Job on several nodes has besides: an index for each pod, names, and who reaches it.

The pods of one Job are one unit for a queue, too: all of them start, or none.
"""

from kaito_api import labels
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner, metadata, with_revision
from workspace_controller.manifests.pods import GRPC_PORT, METRICS_PORT, empty_dir
from workspace_controller.manifests.spread import FIRST_INDEX, NODE_DISK


def tuning_selector(owner: Owner) -> dict[str, str]:
    return {labels.WORKSPACE: owner.name, labels.ROLE: "tuning"}


def indexed(nodes: int) -> Manifest:
    """The fields of the Job. It is complete once the first node has pushed the adapter.

    The others train until then: should the first be lost before, they go on with it.
    """
    return {
        "completions": nodes,
        "parallelism": nodes,
        "completionMode": "Indexed",
        "successPolicy": {"rules": [{"succeededIndexes": FIRST_INDEX}]},
    }


def apart(owner: Owner) -> Manifest:
    """No two pods of the training on one node, which GPUs alone need not rule out."""
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": tuning_selector(owner)},
    }
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def node_disk() -> Manifest:
    """Where the nodes after the first keep what is theirs."""
    return empty_dir(NODE_DISK["name"])


def tuning_policy_name(owner: Owner) -> str:
    """With a dot, which the name of a Workspace cannot have: that of serving is the plain name."""
    return f"{owner.name}.tuning"


def tuning_policy(owner: Owner) -> Manifest:
    """Progress and metrics are open; on all other ports the nodes of one training reach each other.

    Torch and NCCL choose their ports, and trust whoever reaches them.
    """
    spec: Manifest = {
        "podSelector": {"matchLabels": tuning_selector(owner)},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"ports": [{"port": port, "protocol": "TCP"} for port in (GRPC_PORT, METRICS_PORT)]},
            {"from": [{"podSelector": {"matchLabels": tuning_selector(owner)}}]},
        ],
    }
    return with_revision(
        {"metadata": metadata(owner, tuning_policy_name(owner), "tuning"), "spec": spec}
    )
