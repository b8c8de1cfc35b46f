"""The Workspace's status. Source of its CRD schema."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from kaito_api.manifest import Model


class State(StrEnum):
    """A Workspace's phase in one word."""

    PENDING = "Pending"
    QUEUED = "Queued"
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
    """How the number of nodes was computed."""

    nodes: int = Field(description="Nodes needed.")
    gpus_per_node: int = Field(description="GPUs per node.")
    gpu_memory: str = Field(description="Memory of one GPU, for example 16Gi.")
    weights: str | None = Field(default=None, description="Memory that the model's weights need.")
    context_length: int | None = Field(
        default=None, description="Planned context length in tokens."
    )
    explanation: str = Field(description="The arithmetic in one line.")


class DivergenceStatus(Model):
    """A loss that diverges."""

    step: int = Field(description="The step at which the divergence was detected.")
    loss: str = Field(description="Mean of the last losses at that step.")
    lowest_loss: str = Field(description="The lowest mean until then.")
    remedy: str = Field(description="What to do about it.")


class TuningStatus(Model):
    """The fine-tuning run's last report."""

    state: str | None = Field(default=None, description="The state that TuningService reports.")
    processes: int | None = Field(
        default=None,
        description="How many processes train together, each on its own GPU; missing for one.",
    )
    # Kubernetes' API conventions forbid floats, so decimal numbers are strings.
    step: int | None = None
    total_steps: int | None = None
    epoch: str | None = None
    loss: str | None = Field(default=None, description="Training loss at the last logged step.")
    learning_rate: str | None = None
    eval_loss: str | None = Field(
        default=None, description="Loss on the rows held back, at the last evaluation."
    )
    eval_step: int | None = Field(default=None, description="The step of the last evaluation.")
    tokens_per_second: str | None = None
    resumed_step: int | None = Field(
        default=None, description="The step of the checkpoint that the training resumed from."
    )
    checkpoint_step: int | None = Field(
        default=None, description="The step of the newest checkpoint."
    )
    checkpoint_time: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    divergence: DivergenceStatus | None = Field(
        default=None, description="Set once the loss of the run diverges."
    )
    dropped_rows: int | None = Field(
        default=None, description="Rows of the dataset that are not trained on."
    )
    cut_rows: int | None = Field(
        default=None, description="Rows of the dataset that are trained on in part."
    )
    gpu_memory: str | None = Field(
        default=None,
        description="Peak GPU memory of tensors, and total memory of the GPU, for example "
        "12.4Gi/16.0Gi.",
    )
    start_time: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    end_time: str | None = Field(default=None, json_schema_extra={"format": "date-time"})


class SpotStatus(Model):
    """What spot nodes have saved, by the list prices. It counts while they are ready."""

    saved: str = Field(description="US dollars, for example 1.2345.")
    node_hours: str = Field(description="Hours of all spot nodes together.")
    nodes: int = Field(description="Spot nodes that were ready when it was last counted.")
    counted_until: str = Field(json_schema_extra={"format": "date-time"})


class AdapterStatus(Model):
    """The pushed adapter."""

    image: str = Field(description="The image reference that it was pushed to.")
    digest: str = Field(description="The manifest's digest, sha256:<hex>; this digest is served.")
    revision: str = Field(description="Digest of the tuning input that produced it.")
    size: int | None = Field(default=None, description="Compressed size in bytes.")


class AttentionStatus(Model):
    """What a token of context costs, by how the model attends."""

    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden_size: int | None = None
    kv_lora_rank: int | None = Field(default=None, description="Of multi-head latent attention.")
    qk_rope_head_dim: int | None = None
    sliding_window: int | None = Field(default=None, description="Tokens of a window.")


class ModelStatus(Model):
    """A model of the Hugging Face hub, as its files described it when it was looked up."""

    name: str = Field(description="The model's name on the hub: organization/model.")
    requested: str = Field(description="The branch, tag or commit that was looked up.")
    revision: str = Field(description="The commit that is served, whatever the branch does since.")
    architecture: str
    license: str | None = None
    gated: bool = False
    weights: str = Field(description="Size of the weights, for example 14.96Gi.")
    download_size: int = Field(description="Bytes of all files that a pod downloads.")
    context_length: int = Field(description="The longest context in tokens.")
    attention: AttentionStatus
    experts: int | None = Field(default=None, description="Of a mixture of experts.")
    quantization: str | None = Field(default=None, description="The method, for example awq.")
    quantization_bits: int | None = None
    dtype: str = Field(description="The format of the weights; auto is that of the files.")
    engines: list[str] = Field(description="The engines that serve it.")
    chat_template: bool = Field(description="Whether the files have a chat template.")
    remote_code: bool = Field(
        description="Whether it is loaded only with code from its repository."
    )
    mistral_format: bool = False
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    options: list[str] = Field(default_factory=list, description="Further options of vLLM.")


class UndoStatus(Model):
    """What became of the annotation kaito.sh/undo-to-revision."""

    revision: int = Field(description="The revision that the annotation names.")
    generation: int = Field(
        description="The Workspace's generation when the annotation was first seen."
    )
    holds: bool = Field(
        description="Whether the Workspace is held at that revision. A change of the Workspace "
        "ends it."
    )


class RevisionStatus(Model):
    """The configuration that the workload has."""

    number: int | None = Field(default=None, description="Counts from 1.")
    name: str | None = Field(default=None, description="The ControllerRevision that records it.")
    change: str | None = Field(
        default=None, description="What differs from the revision before, in words."
    )
    undo: UndoStatus | None = None


class StartupStatus(Model):
    """How long the start of the pod that serves took. A phase that it did not have is missing."""

    pod: str = Field(description="The pod; of a model that spans nodes, the first.")
    pod_uid: str = Field(alias="podUID")
    ready_time: str | None = Field(
        default=None,
        description="When it became ready.",
        json_schema_extra={"format": "date-time"},
    )
    total_seconds: int | None = Field(
        default=None, description="From the request of its node, or from its own creation."
    )
    launch_seconds: int | None = Field(
        default=None, description="From the request of the node until its machine is created."
    )
    registration_seconds: int | None = Field(
        default=None, description="From then until the node has joined the cluster."
    )
    initialization_seconds: int | None = Field(
        default=None, description="From then until the node is ready, with its GPUs."
    )
    pull_seconds: int | None = Field(
        default=None,
        description="From the choice of the node until the container that loads the model runs: "
        "its images, the model's image included.",
    )
    download_seconds: int | None = Field(
        default=None, description="Downloading or copying the model into the pod."
    )
    load_seconds: int | None = Field(
        default=None,
        description="Loading the model until its first token; with vLLM, with its compilation.",
    )
    warm_up_seconds: int | None = Field(default=None, description="Measuring its speed.")
    adapter_seconds: int | None = Field(
        default=None, description="Loading its adapters, and trying each."
    )


class NodeCostStatus(Model):
    """A machine that the Workspace pays for, or has paid for."""

    claim: str
    uid: str
    instance_type: str
    price_per_hour: str = Field(description="US dollars.")
    since: str = Field(
        description="Since when it costs that much.", json_schema_extra={"format": "date-time"}
    )
    until: str | None = Field(
        default=None, description="When it was gone.", json_schema_extra={"format": "date-time"}
    )
    spent: str | None = Field(
        default=None, description="US dollars before that time, at other prices."
    )


class CostStatus(Model):
    """What the requested nodes have cost, by list prices. Amounts are US dollars."""

    # Kubernetes' API conventions forbid floats, so amounts are strings.
    total: str | None = Field(default=None, description="So far, at the time of asOf.")
    as_of: str | None = Field(default=None, json_schema_extra={"format": "date-time"})
    price_per_hour: str | None = Field(default=None, description="Of the machines there are now.")
    prices: str | None = Field(default=None, description="Where the price is from, and of when.")
    settled: str | None = Field(
        default=None, description="Of machines that are gone and no longer listed."
    )
    nodes: list[NodeCostStatus] = Field(
        default_factory=list, description="The intervals from which the total follows."
    )


class MetricStatus(Model):
    # Kubernetes' API conventions forbid floats.
    value: str
    unit: str
    concurrency: int | None = Field(default=None, description="Answers at once.")


class PerformanceStatus(Model):
    """What the model made on its node before its first request."""

    engine: str | None = Field(default=None, description="The engine and its version.")
    metrics: dict[str, MetricStatus] = Field(
        default_factory=dict,
        description="tokensPerSecond of one answer alone, peakTokensPerMinute of several at once, "
        "peakMemory, and memory of the GPUs.",
    )


class ServedAdapterStatus(Model):
    """An adapter that the pods pull from its image while they run."""

    name: str = Field(description="The name that requests use.")
    state: Literal["Pending", "Serving", "Rejected"] = Field(
        description="Rejected adapters are not served; message says why."
    )
    image: str | None = Field(
        default=None, description="The image that answers under this name, by its digest."
    )
    message: str | None = Field(
        default=None, max_length=2048, description="What is wrong, and what to do."
    )
    reason: Literal["AdapterNotLoaded", "AdapterNotVerified"] | None = Field(
        default=None, description="Why a rejected adapter is not served."
    )
    signed_by: str | None = Field(
        default=None,
        description="SHA-256 of the key that signed the image, if verificationSecret is set.",
    )


class WorkspaceStatus(Model):
    conditions: list[ConditionManifest] = Field(default_factory=list)
    state: State | None = Field(default=None, description="The Workspace's phase in one word.")
    worker_nodes: list[str] = Field(default_factory=list, description="Names of the nodes in use.")
    target_node_count: int | None = Field(default=None, description="Desired number of nodes.")
    nodes: str | None = Field(default=None, description="Ready and desired nodes, for example 1/1.")
    progress: str | None = Field(default=None, description="Progress of the current phase.")
    eta: str | None = Field(default=None, description="Remaining time of the current phase.")
    cost_per_hour: str | None = Field(
        default=None, description="Approximate list price of the nodes in US dollars."
    )
    cost: CostStatus | None = None
    estimate: EstimateStatus | None = None
    model: ModelStatus | None = Field(
        default=None,
        description="Set for a model of the hub that is no preset: what is served and planned "
        "with. It changes only with the annotation kaito.sh/model-revision.",
    )
    tuning: TuningStatus | None = None
    spot: SpotStatus | None = None
    adapter: AdapterStatus | None = None
    adapters: list[ServedAdapterStatus] = Field(
        default_factory=list, description="The adapters that the pods pull."
    )
    engine: str | None = Field(
        default=None,
        description="The engine that serves the model: vllm, transformers, or that of your own "
        "pods: openai or text-generation-server.",
    )
    revision: RevisionStatus | None = None
    startup: StartupStatus | None = None
    performance: PerformanceStatus | None = None
    observed_generation: int | None = None
