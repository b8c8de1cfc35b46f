"""The InferenceSet's types: replicas of a Workspace that serves a model.

They parse manifests and are the source of the CRD schema.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from kaito_api.manifest import Model, Opaque
from kaito_api.workspace import GPUPartition, Inference, LabelSelector

# vLLM's batch on one GPU is larger; answers are fast up to about as many.
DEFAULT_TARGET_REQUESTS = 16
DOLLARS = r"^[0-9]{1,7}(\.[0-9]{1,6})?$"
PERCENTAGE = "^([0-9]{1,2}|100)%$"
NumberOrPercentage = (
    Annotated[int, Field(ge=0)] | Annotated[str, StringConstraints(pattern=PERCENTAGE)]
)


class TemplateMetadata(Model):
    """What every Workspace of the set carries besides its own name."""

    labels: dict[str, str] = Field(default_factory=dict, description="Labels of the Workspaces.")
    annotations: dict[str, str] = Field(
        default_factory=dict,
        description="Annotations of the Workspaces, for example of the engine.",
    )


class TemplateResource(Model):
    """The GPU nodes of each replica."""

    instance_type: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="The cloud's name of the instance type, for example Standard_NC6s_v3. Required "
        "unless you provide the nodes (nodeProvisioner byo).",
    )
    partition: GPUPartition | None = Field(
        default=None, description="Use only part of each node's GPUs."
    )


class WorkspaceTemplate(Model):
    """What the Workspaces are made of. A change is rolled out to all of them."""

    metadata: TemplateMetadata = Field(
        default_factory=TemplateMetadata, description="Labels and annotations of the Workspaces."
    )
    resource: TemplateResource = Field(
        default_factory=TemplateResource, description="The GPU nodes of each replica."
    )
    inference: Inference = Field(description="The model that every replica serves.")


class RollingUpdate(Model):
    """How many replicas a roll-out may add, or take away. Numbers or percentages of `replicas`."""

    max_surge: NumberOrPercentage | None = Field(
        default=None,
        description="Replicas beyond spec.replicas during a roll-out, 1 by default; each needs its "
        "nodes. With 0, an old replica is deleted before its successor is created.",
    )
    max_unavailable: NumberOrPercentage | None = Field(
        default=None,
        description="Replicas that may be missing during a roll-out, 1 by default. It counts only "
        "where maxSurge is 0: otherwise none is missing.",
    )
    partition: int | None = Field(
        default=None, ge=0, description="Replicas that a roll-out leaves on the earlier template."
    )


class UpdateStrategy(Model):
    """How a changed template reaches the replicas."""

    type: Literal["RollingUpdate", "OnDelete"] = Field(
        default="RollingUpdate",
        description="OnDelete replaces a replica only when its Workspace is deleted.",
    )
    rolling_update: RollingUpdate = Field(
        default_factory=RollingUpdate, description="The bounds of a roll-out."
    )


class Autoscaling(Model):
    """How the number of replicas follows the requests at the front doors."""

    min_replicas: int = Field(default=1, ge=1, le=1000, description="The fewest replicas.")
    max_replicas: int = Field(ge=1, le=1000, description="The most replicas.")
    target_requests: int = Field(
        default=DEFAULT_TARGET_REQUESTS,
        ge=1,
        le=100_000,
        description="Requests at once that each replica should have, on the mean: those that it "
        "answers and those that wait for one.",
    )
    scale_up_window_seconds: int = Field(
        default=30,
        ge=5,
        le=3600,
        description="How long more replicas must be needed before they are added, and the least "
        "time between an addition and the change before it.",
    )
    scale_down_window_seconds: int = Field(
        default=600,
        ge=60,
        le=3600,
        description="How long fewer replicas must be enough before the others are deleted, and "
        "the least time between a deletion and the change before it. A replica takes minutes to "
        "come back.",
    )
    max_price_per_hour: str | None = Field(
        default=None,
        pattern=DOLLARS,
        description="The most that the replicas may cost together, in US dollars an hour by list "
        "prices. No replica is added beyond it, and none is deleted for it.",
    )


class InferenceSetSpec(Model):
    """The fields of an InferenceSet that users write."""

    replicas: int = Field(
        default=1,
        ge=0,
        le=1000,
        description="Number of Workspaces. `kubectl scale`, an HPA or KEDA may write it.",
    )
    autoscaling: Autoscaling | None = Field(
        default=None,
        description="Has the controller write spec.replicas by demand. Without it, you do, or an "
        "HPA or KEDA.",
    )
    node_count_limit: int | None = Field(
        default=None,
        ge=0,
        description="The most nodes that all replicas may have together; 0 sets no limit.",
    )
    label_selector: LabelSelector = Field(description="Labels of the nodes to use.")
    template: WorkspaceTemplate
    update_strategy: UpdateStrategy = Field(
        default_factory=UpdateStrategy,
        description="How a changed template reaches the replicas.",
    )
    auto_upgrade: Opaque | None = Field(
        default=None,
        description="KAITO's base image upgrades. Accepted, and without effect: an upgrade of the "
        "release updates the pods of all Workspaces in turn.",
    )


def parse(manifest: dict[str, Any]) -> InferenceSetSpec:
    """The user's part of an InferenceSet manifest.

    Raises:
        pydantic.ValidationError: names each invalid field. The API server validates the same
            schema, so the manifest was stored under another CRD, such as KAITO's.
    """
    return InferenceSetSpec.model_validate(manifest.get("spec") or {})
