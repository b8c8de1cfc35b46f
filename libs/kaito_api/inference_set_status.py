"""The InferenceSet's status. Source of its CRD schema."""

from pydantic import Field

from kaito_api.manifest import Model
from kaito_api.status import ConditionManifest


class ReplicaStatus(Model):
    """One Workspace of the set."""

    name: str = Field(description="The Workspace's name.")
    state: str = Field(description="The state of the Workspace, in one word.")
    ready: bool = Field(description="Whether its model answers.")
    updated: bool = Field(description="Whether it has the present template.")
    message: str | None = Field(
        default=None, description="What it waits for, or why it has failed, while it is not ready."
    )


class InferenceSetStatus(Model):
    replicas: int | None = Field(
        default=None, description="Workspaces that exist and are not being deleted."
    )
    ready_replicas: int | None = Field(default=None, description="Workspaces whose model answers.")
    updated_replicas: int | None = Field(
        default=None, description="Workspaces that have the present template."
    )
    selector: str | None = Field(
        default=None, description="Labels of all pods that serve, for an HPA."
    )
    nodes: int | None = Field(default=None, description="Nodes that the Workspaces need together.")
    template_hash: str | None = Field(
        default=None,
        description="The label inferenceset.kaito.sh/template-hash of Workspaces with the present "
        "template.",
    )
    workspaces: list[ReplicaStatus] = Field(
        default_factory=list, description="The Workspaces, in the order of their creation."
    )
    conditions: list[ConditionManifest] = Field(default_factory=list)
    observed_generation: int | None = None
