"""The CRDs of Machine and NodeClaim, for clusters without Karpenter."""

from typing import Any

from kaito_api import labels
from kaito_api.crd.definition import AGE, Column, Definition, Version, root
from kaito_api.crd.schema import structural
from kaito_api.karpenter import ClaimStatus, MachineSpec, NodeClaimSpec


def _label(name: str, key: str, wide: bool = False) -> Column:
    return Column(name=name, path=".metadata.labels." + key.replace(".", "\\."), wide=wide)


_READY = '.status.conditions[?(@.type=="Ready")].status'

_MACHINE_COLUMNS = (
    _label("Type", labels.INSTANCE_TYPE),
    _label("Zone", labels.ZONE),
    Column(name="Node", path=".status.nodeName"),
    Column(name="Ready", path=_READY),
    AGE,
    _label("Capacity", "karpenter.sh/capacity-type", wide=True),
    _label("Provisioner", labels.PROVISIONER_NAME, wide=True),
    Column(name="Template", path=".spec.machineTemplateRef.name", wide=True),
)

_NODE_CLAIM_COLUMNS = (
    _label("Type", labels.INSTANCE_TYPE),
    _label("Capacity", "karpenter.sh/capacity-type"),
    _label("Zone", labels.ZONE),
    Column(name="Node", path=".status.nodeName"),
    Column(name="Ready", path=_READY),
    AGE,
    Column(name="ImageID", path=".status.imageID", wide=True),
    Column(name="ID", path=".status.providerID", wide=True),
    _label("NodePool", labels.NODE_POOL, wide=True),
    Column(name="NodeClass", path=".spec.nodeClassRef.name", wide=True),
    Column(name="Drifted", path='.status.conditions[?(@.type=="Drifted")].status', wide=True),
)


def _schema(spec: dict[str, Any]) -> dict[str, Any]:
    spec["x-kubernetes-validations"] = [
        {"rule": "self == oldSelf", "message": "spec is immutable: create a new claim"}
    ]
    return root({"spec": spec, "status": structural(ClaimStatus)}, required=("spec",))


def machine() -> Definition:
    version = Version(
        name="v1alpha5",
        schema=_schema(structural(MachineSpec)),
        columns=_MACHINE_COLUMNS,
        storage=True,
    )
    return Definition(
        group=labels.KARPENTER_GROUP,
        kind="Machine",
        plural="machines",
        scope="Cluster",
        categories=("karpenter",),
        versions=(version,),
    )


def node_claim() -> Definition:
    version = Version(
        name="v1",
        schema=_schema(structural(NodeClaimSpec)),
        columns=_NODE_CLAIM_COLUMNS,
        storage=True,
    )
    return Definition(
        group=labels.KARPENTER_GROUP,
        kind="NodeClaim",
        plural="nodeclaims",
        scope="Cluster",
        categories=("karpenter",),
        versions=(version,),
    )
