"""The Workspace's types. They parse manifests and are the source of the CRD schema.

A Workspace has no `spec`: `resource`, `inference`, `tuning` and `status` are top-level fields.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from kaito_api.manifest import Model, Opaque

DNS_LABEL = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
IMAGE = r"^[^\s/:@]+(:[0-9]+)?(/[^\s/:@]+)+(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$"


_CaConfigMap = Annotated[
    str | None,
    Field(
        max_length=253,
        description="ConfigMap in the same namespace whose key ca.crt holds the CA certificates of "
        "the image's registry, in PEM form.",
    ),
]


class LabelSelectorRequirement(Model):
    key: str = Field(min_length=1, max_length=317)
    operator: Literal["In"] = Field(description="Must be In, with exactly one value.")
    values: list[str] = Field(min_length=1, max_length=1)


class LabelSelector(Model):
    match_labels: dict[str, str] = Field(
        default_factory=dict, description="Labels that existing nodes carry and that new nodes get."
    )
    match_expressions: list[LabelSelectorRequirement] = Field(
        default_factory=list,
        max_length=16,
        description="Like matchLabels, in the form key In [value].",
    )

    def labels(self) -> dict[str, str]:
        """Both forms combined."""
        return {**self.match_labels, **{e.key: e.values[0] for e in self.match_expressions}}


class GPUPartition(Model):
    mode: Literal["mig", "accelerator"] = Field(
        description="mig for a MIG slice, accelerator for some of the node's GPUs."
    )
    profile: str | None = Field(
        default=None, description="MIG profile, for example 1g.10gb. Only for mode mig."
    )
    count: int | None = Field(
        default=None, ge=1, description="Number of GPUs. Only for mode accelerator."
    )


class Resource(Model):
    """The GPU nodes."""

    count: int = Field(
        default=1,
        ge=1,
        le=1000,
        description="Number of nodes. A tuning run trains on all of them; for presets that are "
        "served, the controller computes how many are needed. Immutable.",
    )
    instance_type: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        description="The cloud's name of the instance type, for example Standard_NC6s_v3. Required "
        "unless you provide the nodes (nodeProvisioner byo). Immutable once set.",
    )
    label_selector: LabelSelector = Field(
        description="Labels of the nodes to use. Nodes that carry them are reused before new ones "
        "are requested, and new nodes get them. Immutable."
    )
    preferred_nodes: list[str] = Field(
        default_factory=list, max_length=100, description="Deprecated: names of preferred nodes."
    )
    partition: GPUPartition | None = Field(
        default=None, description="Use only part of each node's GPUs. Immutable."
    )


class PresetOptions(Model):
    image: str | None = Field(
        default=None,
        max_length=512,
        description="The image with the model's files. Required for accessMode private.",
    )
    image_pull_secrets: list[str] = Field(
        default_factory=list, max_length=16, description="Secrets for pulling the image."
    )
    model_access_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret in the same namespace whose key HF_TOKEN is a Hugging Face token "
        "for gated models.",
    )


class PresetRef(Model):
    """A model of the catalog."""

    name: str = Field(
        min_length=1,
        max_length=253,
        description="The preset's name, for example phi-3-mini-128k-instruct, or its Hugging Face "
        "ID.",
    )
    access_mode: Literal["public", "private"] = Field(
        default="public",
        description="private: presetOptions.image provides the model.",
    )
    preset_options: PresetOptions = Field(
        default_factory=PresetOptions, description="Where the model's files come from."
    )


class DataSource(Model):
    """Where data or an adapter comes from: exactly one of urls, image and volumeSource."""

    name: str | None = Field(
        default=None,
        max_length=253,
        description="A name for the source. Adapters are requested by this name.",
    )
    urls: list[str] = Field(
        default_factory=list,
        max_length=32,
        description="URLs of the files: https, http, s3, az, abfss, gs or hf. Folders and patterns "
        "also work, except for https and http. A URL that ends in #sha256=DIGEST is verified.",
    )
    access_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret in the same namespace with the credentials for urls: token, username "
        "and password, sas, header-NAME, or the provider's own, such as AWS_ACCESS_KEY_ID.",
    )
    volume_source: Opaque | None = Field(
        default=None, description="A Kubernetes volume with the files."
    )
    image: str | None = Field(
        default=None, max_length=512, description="A container image with the files under /data."
    )
    image_pull_secrets: list[str] = Field(
        default_factory=list, max_length=16, description="Secrets for pulling the image."
    )


class DataDestination(Model):
    """Where to push the adapter: exactly one of image and volumeSource."""

    volume_source: Opaque | None = Field(
        default=None, description="A Kubernetes volume to write the adapter to."
    )
    image: str | None = Field(
        default=None,
        max_length=512,
        description="The image to push: <registry>/<repository>:<tag>.",
    )
    image_push_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret of type kubernetes.io/dockerconfigjson for pushing the image.",
    )
    signing_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret in the same namespace whose key cosign.key signs the image, as "
        "`cosign generate-key-pair k8s://NAMESPACE/NAME` creates it.",
    )
    ca_config_map: _CaConfigMap = None
    overwrite: bool = Field(
        default=False,
        description="Replace what the tag names. Otherwise a tag keeps its image, unless the same "
        "Workspace trained it from the same inputs.",
    )


class AdapterSource(DataSource):
    """Where an adapter comes from: exactly one of image, volumeSource and workspace."""

    # Not a field of DataSource: tuning.input, of which a run's revision is made, must not change.
    workspace: str | None = Field(
        default=None,
        max_length=63,
        description="A Workspace in the same namespace whose newest tuned adapter is served.",
    )
    verification_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret in the same namespace whose key cosign.pub holds the public keys, one "
        "of which must have signed the image. An adapter that none has signed is not served.",
    )
    ca_config_map: _CaConfigMap = None


class Adapter(Model):
    """A LoRA adapter to serve with the model."""

    source: AdapterSource
    strength: str = Field(
        default="1.0", max_length=16, description="The adapter's weight, from 0 to 1."
    )


class Inference(Model):
    """Serve a model."""

    preset: PresetRef | None = Field(default=None, description="A model of the catalog.")
    template: Opaque | None = Field(
        default=None, description="Your own pods instead of a preset (PodTemplateSpec)."
    )
    config: str | None = Field(
        default=None,
        max_length=253,
        description="ConfigMap in the same namespace with a key inference_config.yaml.",
    )
    adapters: list[Adapter] = Field(
        default_factory=list, max_length=10, description="Adapters to serve with the model."
    )


class Tuning(Model):
    """Fine-tune a model."""

    preset: PresetRef
    method: Literal["lora", "qlora", "dpo"] = Field(
        default="lora",
        description="What the adapter learns, and on what. lora and qlora: the answers of the "
        "dataset; qlora loads the base model in 4 bits and needs less memory. dpo: which of two "
        "answers is preferred (columns prompt, chosen and rejected); whether the base model is "
        "quantized is up to the QuantizationConfig of the configuration, by default in 4 bits.",
    )
    config: str | None = Field(
        default=None,
        max_length=253,
        description="ConfigMap in the same namespace with a key training_config.yaml.",
    )
    tracking_secret: str | None = Field(
        default=None,
        max_length=253,
        description="Secret in the same namespace whose keys are environment variables of "
        "experiment trackers, for example MLFLOW_TRACKING_URI. Only the trainer gets them.",
    )
    input: DataSource = Field(description="The dataset.")
    output: DataDestination = Field(description="Where to push the adapter.")


class WorkspaceSpec(Model):
    """The fields of a Workspace that users write."""

    resource: Resource
    inference: Inference | None = None
    tuning: Tuning | None = None


def parse(manifest: dict[str, Any]) -> WorkspaceSpec:
    """The user's part of a Workspace manifest.

    Raises:
        pydantic.ValidationError: names each invalid field. The API server validates the same
            schema, so the manifest was stored under an older CRD.
    """
    return WorkspaceSpec.model_validate(
        {key: manifest[key] for key in ("resource", "inference", "tuning") if key in manifest}
    )
