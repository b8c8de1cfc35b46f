"""The facts about one model. Where it runs is decided elsewhere.

Sizes are in GiB, durations in seconds, limits in tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

# Bytes of one KV cache entry: the cache is kept in 16 bits, also for quantized weights.
FP16_BYTES = 2


class Access(StrEnum):
    """Whether an image with the weights is published, or users provide their own."""

    PUBLIC = "public"
    PRIVATE = "private"


class Runtime(StrEnum):
    VLLM = "vllm"
    TRANSFORMERS = "transformers"


class TuningMethod(StrEnum):
    """How the base model of a tuning is loaded, which decides about its GPUs."""

    LORA = "lora"
    QLORA = "qlora"

    @classmethod
    def of(cls, method: str, *, quantized: bool) -> "TuningMethod":
        """That of a Workspace's `method`. Method dpo is on a base model that is quantized or not.

        `quantized` says so, where the method leaves it open.
        """
        if method in (cls.LORA, cls.QLORA):
            return cls(method)
        return cls.QLORA if quantized else cls.LORA


class Dtype(StrEnum):
    """The format that weights are loaded in; `AUTO` uses the model's own configuration."""

    AUTO = "auto"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class LatentAttention:
    """Multi-head latent attention (MLA): one compressed vector per token instead of K and V."""

    kv_lora_rank: int
    qk_rope_head_dim: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attention:
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden_size: int | None = None
    latent: LatentAttention | None = None

    @property
    def kind(self) -> str:
        """MLA, or MHA, GQA or MQA by how many heads share keys and values."""
        if self.latent is not None:
            return "MLA"
        if self.kv_heads == self.heads:
            return "MHA"
        return "MQA" if self.kv_heads == 1 else "GQA"

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of KV cache per token over all layers, in 16-bit precision."""
        if self.latent is not None:
            width = self.latent.kv_lora_rank + self.latent.qk_rope_head_dim
            return width * self.layers * FP16_BYTES
        return 2 * self.layers * self.kv_heads * self.head_dim * FP16_BYTES


@dataclass(frozen=True, slots=True)
class Quantization:
    """How the published weights are quantized; `bits` if the method supports several widths."""

    method: str
    bits: int | None = None


@dataclass(frozen=True, slots=True)
class ModelImage:
    """The container image that holds the model's files; the chart configures the registry."""

    name: str
    tag: str
    model_path: str

    def reference(self, registry: str) -> str:
        return f"{registry}/{self.name}:{self.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmOptions:
    """The options of `vllm serve` that do not follow from the model's files.

    `mistral_format`: the files are in Mistral's own format. `options` are further ones, without
    dashes: `kv-cache-dtype=fp8`, or a switch.
    """

    tool_call_parser: str = ""
    reasoning_parser: str = ""
    mistral_format: bool = False
    options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuRequirements:
    """GPUs and GPU memory (GiB) of one node, or of all nodes if the model is distributed."""

    gpu_count: int
    total_memory_gib: float
    per_gpu_memory_gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceRequirements:
    """`distributed`: the model can span nodes. `world_size`: ranks the weights are split for."""

    gpus: GpuRequirements
    distributed: bool
    world_size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningRequirements:
    disk_gib: int
    methods: Mapping[TuningMethod, GpuRequirements]
    target_modules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    name: str
    aliases: tuple[str, ...]
    hf_id: str
    license: str
    gated: bool
    access: Access
    architecture: str
    weights_gib: float
    token_limit: int
    attention: Attention
    quantization: Quantization | None
    dtype: Dtype
    trust_remote_code: bool
    disk_gib: int
    readiness_timeout_seconds: int
    runtimes: tuple[Runtime, ...]
    image: ModelImage | None
    inference: InferenceRequirements
    tuning: TuningRequirements | None
    vllm: VllmOptions = VllmOptions()

    @property
    def tunable(self) -> bool:
        return self.tuning is not None
