"""A preset from the facts about a model of the hub, by the rules that presets follow."""

from dataclasses import dataclass

from kaito_presets.hub import rules
from kaito_presets.preset import (
    Access,
    Attention,
    Dtype,
    GpuRequirements,
    InferenceRequirements,
    Preset,
    Quantization,
    Runtime,
    VllmOptions,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What a preset's file would say, without what follows from it by a rule."""

    name: str
    license: str
    gated: bool
    architecture: str
    weights_gib: float
    token_limit: int
    attention: Attention
    quantization: Quantization | None
    dtype: Dtype
    runtimes: tuple[Runtime, ...]
    vllm: VllmOptions


def preset_of(facts: ModelFacts, *, trust_remote_code: bool) -> Preset:
    """The preset. It has no image, so its files are downloaded, and it cannot be tuned."""
    weights_gib = facts.weights_gib
    return Preset(
        name=facts.name,
        aliases=(),
        hf_id=facts.name,
        license=facts.license or "not stated",
        gated=facts.gated,
        access=Access.PUBLIC,
        architecture=facts.architecture,
        weights_gib=weights_gib,
        token_limit=facts.token_limit,
        attention=facts.attention,
        quantization=facts.quantization,
        dtype=facts.dtype,
        trust_remote_code=trust_remote_code,
        disk_gib=rules.disk_gib(weights_gib),
        readiness_timeout_seconds=rules.readiness_timeout_seconds(weights_gib),
        runtimes=facts.runtimes,
        image=None,
        inference=InferenceRequirements(
            gpus=GpuRequirements(
                gpu_count=1,
                total_memory_gib=rules.serving_memory_gib(weights_gib),
                per_gpu_memory_gib=0,
            ),
            distributed=Runtime.VLLM in facts.runtimes,
        ),
        tuning=None,
        vllm=facts.vllm,
    )
