"""A model of the hub in the status of its Workspace, and back.

The status is complete: once it has the model, the hub is not needed to plan with it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from kaito_api.status import AttentionStatus, ModelStatus
from kaito_presets.hub.model import HubModel
from kaito_presets.hub.preset_of import ModelFacts, preset_of
from kaito_presets.preset import (
    Attention,
    Dtype,
    LatentAttention,
    Quantization,
    Runtime,
    VllmOptions,
)


def to_status(model: HubModel) -> ModelStatus:
    preset, attention, quantization = (
        model.preset,
        model.preset.attention,
        model.preset.quantization,
    )
    latent = attention.latent
    return ModelStatus(
        name=preset.name,
        requested=model.requested,
        revision=model.revision,
        architecture=preset.architecture,
        license=preset.license,
        gated=preset.gated,
        weights=f"{preset.weights_gib:.2f}Gi",
        download_size=model.download_bytes,
        context_length=preset.token_limit,
        attention=AttentionStatus(
            layers=attention.layers,
            heads=attention.heads,
            kv_heads=attention.kv_heads,
            head_dim=attention.head_dim,
            hidden_size=attention.hidden_size,
            kv_lora_rank=latent.kv_lora_rank if latent else None,
            qk_rope_head_dim=latent.qk_rope_head_dim if latent else None,
            sliding_window=model.sliding_window,
        ),
        experts=model.experts,
        quantization=quantization.method if quantization else None,
        quantization_bits=quantization.bits if quantization else None,
        dtype=preset.dtype.value,
        engines=[runtime.value for runtime in preset.runtimes],
        chat_template=model.chat_template,
        remote_code=model.remote_code,
        mistral_format=preset.vllm.mistral_format,
        tool_call_parser=preset.vllm.tool_call_parser or None,
        reasoning_parser=preset.vllm.reasoning_parser or None,
        options=list(preset.vllm.options),
    )


def from_status(document: Mapping[str, Any] | None) -> HubModel | None:
    """The model of a status; None where it has none, or one that cannot be read."""
    if not document:
        return None
    try:
        return _model(ModelStatus.model_validate(document))
    except (ValidationError, ValueError, OverflowError):
        return None


def _model(status: ModelStatus) -> HubModel:
    facts = ModelFacts(
        name=status.name,
        license=status.license or "",
        gated=status.gated,
        architecture=status.architecture,
        weights_gib=float(status.weights.removesuffix("Gi")),
        token_limit=status.context_length,
        attention=_attention(status.attention),
        quantization=(
            Quantization(status.quantization, status.quantization_bits)
            if status.quantization
            else None
        ),
        dtype=Dtype(status.dtype),
        runtimes=tuple(Runtime(engine) for engine in status.engines),
        vllm=VllmOptions(
            tool_call_parser=status.tool_call_parser or "",
            reasoning_parser=status.reasoning_parser or "",
            mistral_format=status.mistral_format,
            options=tuple(status.options),
        ),
    )
    return HubModel(
        preset=preset_of(facts, trust_remote_code=False),
        requested=status.requested,
        revision=status.revision,
        download_bytes=status.download_size,
        chat_template=status.chat_template,
        remote_code=status.remote_code,
        sliding_window=status.attention.sliding_window,
        experts=status.experts,
    )


def _attention(status: AttentionStatus) -> Attention:
    latent = (
        LatentAttention(status.kv_lora_rank, status.qk_rope_head_dim or 0)
        if status.kv_lora_rank
        else None
    )
    return Attention(
        layers=status.layers,
        heads=status.heads,
        kv_heads=status.kv_heads,
        head_dim=status.head_dim,
        hidden_size=status.hidden_size,
        latent=latent,
    )
