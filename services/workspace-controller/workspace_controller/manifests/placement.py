"""Where pods may run: on the Workspace's own nodes, and on free ones that match its selector."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kaito_api import labels
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner

# Of GPU nodes in general, of the claims in claims.py, and of spot nodes in AKS.
TOLERATIONS: tuple[Mapping[str, str], ...] = (
    {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    {
        "key": labels.GPU_TAINT_KEY,
        "operator": "Equal",
        "value": labels.GPU_TAINT_VALUE,
        "effect": "NoSchedule",
    },
    {
        "key": "kubernetes.azure.com/scalesetpriority",
        "operator": "Equal",
        "value": "spot",
        "effect": "NoSchedule",
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """`gpus` are resource limits, for example {"nvidia.com/gpu": "1"}.

    An empty `instance_type` matches every type.
    """

    owner: Owner
    node_labels: Mapping[str, str]
    instance_type: str
    gpus: Mapping[str, str]


def affinity(placement: Placement) -> Manifest:
    """Selects nodes that were created for this Workspace, or that match and were created for none.

    So Workspaces with the same selector do not use each other's nodes.
    """
    own = [_in(key, value) for key, value in placement.owner.labels.items()]
    free = [_in(key, value) for key, value in sorted(placement.node_labels.items())]
    if placement.instance_type:
        free.append(_in(labels.INSTANCE_TYPE, placement.instance_type))
    free.append({"key": labels.WORKSPACE, "operator": "DoesNotExist"})
    terms = [{"matchExpressions": own}, {"matchExpressions": free}]
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}
        }
    }


def tolerations() -> list[dict[str, str]]:
    return [dict(toleration) for toleration in TOLERATIONS]


def _in(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": [value]}
