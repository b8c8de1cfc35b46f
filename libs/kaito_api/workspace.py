"""The Workspace: what a user asks for. Parses manifests and is the source of the CRD's schema.

It has no `spec`: `resource`, `inference`, `tuning` and `status` stand beside `metadata`.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.alias_generators import to_camel

DNS_LABEL = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
IMAGE = r"^[^\s/:@]+(:[0-9]+)?(/[^\s/:@]+)+(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$"


class Model(BaseModel):
    """camelCase on the wire, snake_case here; unknown keys are the API server's to prune."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


# A part of a Kubernetes type that is passed on as it is (PodTemplateSpec, VolumeSource, …).
Opaque = dict[str, JsonValue]


class LabelSelectorRequirement(Model):
    key: str = Field(min_length=1, max_length=317)
    operator: Literal["In"] = Field(description="Only In with one value selects one kind of node.")
    values: list[str] = Field(min_length=1, max_length=1)


class LabelSelector(Model):
    match_labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that the nodes carry, or are given."
    )
    match_expressions: list[LabelSelectorRequirement] = Field(
        default_factory=list,
        max_length=16,
        description="The same as matchLabels in the form key In [value].",
    )

    def labels(self) -> dict[str, str]:
        """Both forms as one map."""
        return {**self.match_labels, **{e.key: e.values[0] for e in self.match_expressions}}


class GPUPartition(Model):
    mode: Literal["mig", "accelerator"] = Field(description="How the GPU is cut.")
    profile: str | None = Field(default=None, description="MIG profile such as 1g.10gb; mig only.")
    count: int | None = Field(default=None, ge=1, description="GPUs taken; accelerator only.")


class Resource(Model):
    """The GPU nodes."""

    count: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Nodes. For presets the controller computes how many are needed; immutable.",
    )
    instance_type: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="The cloud's name of the machine type, for example Standard_NC6s_v3. Required "
        "unless the nodes are brought along (nodeProvisioner byo); cannot be changed once set.",
    )
    label_selector: LabelSelector = Field(
        description="Labels of the nodes to use. Nodes that carry them are reused before new ones "
        "are asked for, and new ones are given them; immutable."
    )
    preferred_nodes: list[str] = Field(
        default_factory=list, max_length=100, description="Deprecated: nodes to prefer, by name."
    )
    partition: GPUPartition | None = Field(
        default=None, description="Use a part of each node's GPUs; immutable."
    )


class PresetOptions(Model):
    image: str | None = Field(
        default=None, max_length=512, description="The model's image, for private models."
    )
    image_pull_secrets: list[str] = Field(
        default_factory=list, max_length=16, description="Secrets to pull that image with."
    )
    model_access_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret of the same namespace whose key HF_TOKEN opens a gated model.",
    )


class PresetRef(Model):
    """One model of the catalogue."""

    name: str = Field(
        min_length=1,
        max_length=253,
        description="The preset's name, for example phi-3-mini-128k-instruct, or its hub id.",
    )
    access_mode: Literal["public", "private"] = Field(
        default="public",
        description="private: the model's image comes from presetOptions.image.",
    )
    preset_options: PresetOptions = Field(
        default_factory=PresetOptions, description="Where the model's files come from."
    )


class DataSource(Model):
    """Where data or an adapter comes from: exactly one of urls, image and volumeSource."""

    name: str | None = Field(default=None, max_length=253, description="A name to tell it by.")
    urls: list[str] = Field(
        default_factory=list, max_length=32, description="http or https addresses of the files."
    )
    volume_source: Opaque | None = Field(
        default=None, description="A Kubernetes volume that holds the files."
    )
    image: str | None = Field(
        default=None, max_length=512, description="A container image with the files below /data."
    )
    image_pull_secrets: list[str] = Field(
        default_factory=list, max_length=16, description="Secrets to pull that image with."
    )


class DataDestination(Model):
    """Where the adapter goes: exactly one of image and volumeSource."""

    volume_source: Opaque | None = Field(
        default=None, description="A Kubernetes volume that the adapter is written to."
    )
    image: str | None = Field(
        default=None,
        max_length=512,
        description="The image to push, <registry>/<repository>:<tag>.",
    )
    image_push_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret of type kubernetes.io/dockerconfigjson that may push it.",
    )


class Adapter(Model):
    """A LoRA adapter that the model is served with."""

    source: DataSource
    strength: str = Field(
        default="1.0", max_length=16, description="How much of it is added, from 0 to 1."
    )


class Inference(Model):
    """Serve a model."""

    preset: PresetRef | None = Field(default=None, description="A model of the catalogue.")
    template: Opaque | None = Field(
        default=None, description="Pods of one's own instead of a preset (PodTemplateSpec)."
    )
    config: str | None = Field(
        default=None,
        max_length=253,
        description="ConfigMap of the same namespace with key inference_config.yaml.",
    )
    adapters: list[Adapter] = Field(
        default_factory=list, max_length=10, description="Adapters to serve beside the model."
    )


class Tuning(Model):
    """Fine-tune a model."""

    preset: PresetRef
    method: Literal["lora", "qlora"] = Field(
        default="lora", description="qlora loads the base model in 4 bit and needs less memory."
    )
    config: str | None = Field(
        default=None,
        max_length=253,
        description="ConfigMap of the same namespace with key training_config.yaml.",
    )
    input: DataSource = Field(description="The data set.")
    output: DataDestination = Field(description="Where the adapter goes.")


class WorkspaceSpec(Model):
    """Everything that a user writes below `metadata`'s level."""

    resource: Resource
    inference: Inference | None = None
    tuning: Tuning | None = None


def parse(manifest: dict[str, Any]) -> WorkspaceSpec:
    """The user's part of a Workspace manifest.

    Raises pydantic.ValidationError that names each field; the API server admits nothing that
    does, so it means a manifest from before the present CRD."""
    return WorkspaceSpec.model_validate(
        {key: manifest[key] for key in ("resource", "inference", "tuning") if key in manifest}
    )
