"""What a machine is, as labels: Karpenter keeps them on the Node and on its claim alike."""

from typing import Final

from gpu_provisioner.lifecycle.observed import Observed
from kaito_api import labels
from kaito_kube.kinds import Manifest, labels_of

_FROM_NODE: Final = (labels.INSTANCE_TYPE, labels.ZONE, labels.REGION)
# What the Node says of itself: never written there from a claim, whose may be another machine's.
OF_MACHINE: Final = frozenset({*_FROM_NODE, labels.CAPACITY_TYPE})


def claim_labels(observed: Observed) -> dict[str, str]:
    """What the claim still lacks of them; `kubectl get` shows them."""
    if observed.node is None:
        return {}
    has = labels_of(observed.node)
    wanted: dict[str, str] = {key: has[key] for key in _FROM_NODE if key in has}
    wanted[labels.CAPACITY_TYPE] = capacity_type(observed.node)
    return {k: v for k, v in wanted.items() if observed.claim.labels.get(k) != v}


def capacity_type(node: Manifest) -> str:
    """AKS labels the nodes of spot pools, and no others."""
    priority = labels_of(node).get("kubernetes.azure.com/scalesetpriority")
    return "spot" if priority == "spot" else "on-demand"
