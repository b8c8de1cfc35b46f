"""Karpenter's Machine (v1alpha5) and NodeClaim (v1): a request for one node.

Only the fields that gpu-provisioner uses are declared. Unknown fields are preserved, so that
manifests written for Karpenter are accepted unchanged.
"""

from typing import Literal

from pydantic import ConfigDict, Field

from kaito_api.manifest import Model, Opaque
from kaito_api.status import ConditionManifest

Operator = Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Taint(Model):
    key: str = Field(min_length=1, max_length=317)
    value: str = Field(default="", max_length=63)
    effect: Effect


class Requirement(Model):
    key: str = Field(max_length=316)
    operator: Operator
    values: list[str] = Field(default_factory=list, max_length=100)
    min_values: int | None = Field(default=None, ge=1, le=50)


class Resources(Model):
    requests: dict[str, str | int] = Field(
        default_factory=dict,
        description="Resources that the node must have, for example storage: 50Gi.",
    )


class NodeClassRef(Model):
    group: str = ""
    kind: str = ""
    name: str = ""


class MachineTemplateRef(Model):
    api_version: str = ""
    kind: str = ""
    name: str = ""


class ClaimSpec(Model):
    """The fields that both kinds share."""

    model_config = ConfigDict(
        **Model.model_config, json_schema_extra={"x-kubernetes-preserve-unknown-fields": True}
    )

    requirements: list[Requirement] = Field(default_factory=list, max_length=100)
    resources: Resources = Field(default_factory=Resources)
    taints: list[Taint] = Field(default_factory=list, description="Taints of the node.")
    startup_taints: list[Taint] = Field(
        default_factory=list,
        description="Taints that other components remove before the node is used.",
    )
    kubelet: Opaque | None = None


class NodeClaimSpec(ClaimSpec):
    node_class_ref: NodeClassRef = Field(default_factory=NodeClassRef)
    expire_after: str = Field(
        default="Never",
        max_length=32,
        pattern=r"^(([0-9]+(s|m|h))+|Never)$",
        description="Age at which the claim is deleted, for example 720h.",
    )
    termination_grace_period: str | None = Field(
        default=None,
        max_length=32,
        pattern=r"^([0-9]+(s|m|h))+$",
        description="Time after the claim's deletion at which its pods are removed, even if a "
        "disruption budget or annotation forbids it.",
    )


class MachineSpec(ClaimSpec):
    machine_template_ref: MachineTemplateRef | None = None


class ClaimStatus(Model):
    node_name: str | None = None
    provider_id: str | None = Field(default=None, alias="providerID")
    image_id: str | None = Field(default=None, alias="imageID")
    capacity: dict[str, str | int] = Field(default_factory=dict)
    allocatable: dict[str, str | int] = Field(default_factory=dict)
    conditions: list[ConditionManifest] = Field(default_factory=list)
    last_pod_event_time: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
