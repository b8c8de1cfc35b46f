"""Labels that describe a machine. Karpenter keeps them on the Node and on its claim."""

from typing import Final

from gpu_provisioner.lifecycle.observed import Observed
from kaito_api import labels
from kaito_kube.kinds import Manifest, labels_of

_FROM_NODE: Final = (labels.INSTANCE_TYPE, labels.ZONE, labels.REGION)
# The Node sets these itself. They are never copied from a claim, whose values may be those of an
# earlier machine.
MACHINE_LABELS: Final = frozenset({*_FROM_NODE, labels.CAPACITY_TYPE})


def missing_claim_labels(observed: Observed) -> dict[str, str]:
    """Return the labels that the claim lacks; `kubectl get` prints them."""
    if observed.node is None or observed.is_name_taken:
        return {}
    node_labels = labels_of(observed.node)
    wanted: dict[str, str] = {key: node_labels[key] for key in _FROM_NODE if key in node_labels}
    wanted[labels.CAPACITY_TYPE] = capacity_type(observed.node)
    return {k: v for k, v in wanted.items() if observed.claim.labels.get(k) != v}


def capacity_type(node: Manifest) -> str:
    # AKS labels the nodes of spot pools, and no others.
    priority = labels_of(node).get("kubernetes.azure.com/scalesetpriority")
    return "spot" if priority == "spot" else "on-demand"
