"""The Workspace's status: what the controller tells the user. Source of the CRD's schema."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from kaito_api.workspace import Model


class State(StrEnum):
    """One word for where a Workspace is."""

    PENDING = "Pending"
    PROVISIONING = "Provisioning"
    TUNING = "Tuning"
    PUSHING = "Pushing"
    LOADING = "Loading"
    READY = "Ready"
    NOT_READY = "NotReady"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    DELETING = "Deleting"


class ConditionManifest(Model):
    type: str = Field(max_length=316)
    status: Literal["True", "False", "Unknown"]
    reason: str = Field(max_length=1024)
    message: str = Field(default="", max_length=32768)
    last_transition_time: str = Field(json_schema_extra={"format": "date-time"})
    observed_generation: int | None = None


class EstimateStatus(Model):
    """The numbers behind the node count."""

    nodes: int = Field(description="Nodes needed.")
    gpus_per_node: int = Field(description="GPUs of one node of that instance type.")
    gpu_memory: str = Field(description="Memory of one GPU, for example 16Gi.")
    weights: str | None = Field(default=None, description="The model's weights in memory.")
    context_length: int | None = Field(default=None, description="Tokens that are planned for.")
    explanation: str = Field(description="The arithmetic in one line.")


class TuningStatus(Model):
    """The fine-tuning run as it reported last."""

    state: str | None = Field(default=None, description="State of TuningService.")
    step: int | None = None
    total_steps: int | None = None
    epoch: str | None = None
    loss: str | None = None
    learning_rate: str | None = None
    tokens_per_second: str | None = None
    checkpoint_step: int | None = None
    start_time: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    end_time: str | None = Field(default=None, json_schema_extra={"format": "date-time"})


class AdapterStatus(Model):
    """The adapter that was pushed."""

    image: str = Field(description="The reference it was pushed under.")
    digest: str = Field(description="The manifest's digest, sha256:<hex>; this is what is served.")
    revision: str = Field(description="Digest of the tuning input that it was made from.")
    size: int | None = Field(default=None, description="Bytes, compressed.")


class WorkspaceStatus(Model):
    conditions: list[ConditionManifest] = Field(default_factory=list)
    state: State | None = Field(default=None, description="One word for where the Workspace is.")
    worker_nodes: list[str] = Field(default_factory=list, description="Nodes in use, by name.")
    target_node_count: int | None = Field(default=None, description="Nodes wanted.")
    nodes: str | None = Field(default=None, description="Ready nodes of wanted ones, as 1/1.")
    progress: str | None = Field(default=None, description="How far the present phase is.")
    eta: str | None = Field(default=None, description="Time left of the present phase.")
    cost_per_hour: str | None = Field(
        default=None, description="List price of the nodes in US dollars, about."
    )
    estimate: EstimateStatus | None = None
    tuning: TuningStatus | None = None
    adapter: AdapterStatus | None = None
    observed_generation: int | None = None
