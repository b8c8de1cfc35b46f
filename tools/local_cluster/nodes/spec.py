"""A node's specification: its name, labels, taints, GPUs and identity in the cloud."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from tools.local_cluster import topology
from tools.local_cluster.errors import ClusterError

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Taint:
    """`value` may be empty; `effect` is NoSchedule, PreferNoSchedule or NoExecute."""

    key: str
    value: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """What a cloud's virtual machine would register with."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Taint] = ()
    gpus: int = 0
    instance_type: str = ""
    provider_id: str = ""

    @property
    def all_labels(self) -> dict[str, str]:
        """The labels, including those derived from the rest of the specification."""
        derived = {"topology.kubernetes.io/region": topology.REGION}
        if self.instance_type:
            derived["node.kubernetes.io/instance-type"] = self.instance_type
        return {**derived, **self.labels}

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "NodeSpec":
        fields = json.loads(text)
        taints = tuple(Taint(**taint) for taint in fields.pop("taints"))
        return cls(**fields, taints=taints)


def check_name(name: str) -> str:
    """The name if it is valid for a node, and so for a folder, a namespace and a control group.

    Raises:
        ClusterError: the name is not valid.
    """
    if len(name) > 63 or not _NAME.fullmatch(name):
        raise ClusterError(
            f"{name!r} cannot name a node: use at most 63 lowercase letters, digits and dashes, "
            "and no dash at the start or end"
        )
    return name


def system_node() -> NodeSpec:
    """The one permanent node, labeled like a node of an AKS system pool."""
    pool = "system"
    labels = {
        "kubernetes.azure.com/mode": "system",
        "kubernetes.azure.com/agentpool": pool,
        "kubernetes.azure.com/cluster": topology.NODE_RESOURCE_GROUP,
        "agentpool": pool,
    }
    return NodeSpec(
        name=topology.SYSTEM_NODE,
        labels=labels,
        instance_type="Standard_D4s_v5",
        provider_id=(
            f"azure:///subscriptions/{topology.SUBSCRIPTION}"
            f"/resourceGroups/{topology.NODE_RESOURCE_GROUP.lower()}/providers/Microsoft.Compute"
            f"/virtualMachineScaleSets/aks-{pool}-00000000-vmss/virtualMachines/0"
        ),
    )
