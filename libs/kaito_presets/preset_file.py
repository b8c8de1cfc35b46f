"""Parses one model's YAML file into a Preset and rejects contradictory facts. Pure."""

import re
from pathlib import PurePath

from kaito_presets.preset import (
    Access,
    Attention,
    Dtype,
    GpuRequirements,
    InferenceRequirements,
    LatentAttention,
    ModelImage,
    Preset,
    Quantization,
    Runtime,
    TuningMethod,
    TuningRequirements,
    VllmOptions,
)
from kaito_skus.records import Record

_NAME = re.compile(r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$")
_HF_ID = re.compile(r"^[\w.-]+/[\w.-]+$")


def parse(file: str, text: str) -> Preset:
    """The preset of a file with that name and text.

    Raises:
        DataError: a field is missing, unknown, invalid, or contradicts another.
    """
    model = Record.parse(file, text)
    quantized = "quantization" in model
    preset = Preset(
        name=model.text("name"),
        aliases=model.texts("aliases") if "aliases" in model else (),
        hf_id=model.text("hf_id"),
        license=model.text("license"),
        gated=model.flag("gated"),
        access=model.choice("access", Access),
        architecture=model.text("architecture"),
        weights_gib=model.number("weights_gib", minimum=0.1),
        token_limit=model.integer("token_limit", minimum=512),
        attention=_attention(model.record("attention")),
        quantization=_quantization(model.record("quantization")) if quantized else None,
        dtype=model.choice("dtype", Dtype),
        trust_remote_code=model.flag("trust_remote_code"),
        disk_gib=model.integer("disk_gib"),
        readiness_timeout_seconds=model.integer("readiness_timeout_seconds", minimum=60),
        runtimes=model.choices("runtimes", Runtime),
        image=_image(model.record("image")) if "image" in model else None,
        inference=_inference(model.record("inference")),
        tuning=_tuning(model.record("tuning")) if "tuning" in model else None,
        vllm=_vllm(model.record("vllm")) if "vllm" in model else VllmOptions(),
    )
    model.finish()
    _check_names(model, preset)
    _check_delivery(model, preset)
    _check_sizes(model, preset)
    return preset


def _attention(shape: Record) -> Attention:
    heads, kv_heads = shape.integer("heads"), shape.integer("kv_heads")
    hidden_size = shape.integer("hidden_size") if "hidden_size" in shape else None
    if heads % kv_heads:
        raise shape.error("kv_heads", f"does not divide the {heads} heads")
    if "head_dim" in shape:
        head_dim = shape.integer("head_dim")
    elif hidden_size is None:
        raise shape.error("head_dim", "is missing, and there is no hidden_size to derive it from")
    elif hidden_size % heads:
        raise shape.error("hidden_size", f"is not a multiple of the {heads} heads: set head_dim")
    else:
        head_dim = hidden_size // heads
    attention = Attention(
        layers=shape.integer("layers"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        hidden_size=hidden_size,
        latent=_latent(shape.record("latent")) if "latent" in shape else None,
    )
    shape.finish()
    return attention


def _latent(mla: Record) -> LatentAttention:
    latent = LatentAttention(mla.integer("kv_lora_rank"), mla.integer("qk_rope_head_dim"))
    mla.finish()
    return latent


def _quantization(how: Record) -> Quantization:
    quantization = Quantization(how.text("method"), how.integer("bits") if "bits" in how else None)
    how.finish()
    return quantization


def _image(where: Record) -> ModelImage:
    image = ModelImage(where.text("name"), where.text("tag"), where.text("model_path"))
    where.finish()
    if not image.name.startswith("kaito-"):
        raise where.error("name", "does not start with kaito-")
    if not image.model_path.startswith("/"):
        raise where.error("model_path", "is not an absolute path")
    return image


def _vllm(record: Record) -> VllmOptions:
    options = VllmOptions(
        tool_call_parser=record.text("tool_call_parser") if "tool_call_parser" in record else "",
        reasoning_parser=record.text("reasoning_parser") if "reasoning_parser" in record else "",
        mistral_format=record.flag("mistral_format") if "mistral_format" in record else False,
        options=record.texts("options") if "options" in record else (),
    )
    record.finish()
    return options


def _gpu_requirements(record: Record) -> GpuRequirements:
    gpus = GpuRequirements(
        gpu_count=record.integer("gpu_count"),
        total_memory_gib=record.number("total_memory_gib", minimum=1),
        per_gpu_memory_gib=record.number("per_gpu_memory_gib"),
    )
    if gpus.per_gpu_memory_gib > gpus.total_memory_gib:
        raise record.error("per_gpu_memory_gib", "is more than total_memory_gib")
    return gpus


def _inference(record: Record) -> InferenceRequirements:
    inference = InferenceRequirements(
        gpus=_gpu_requirements(record),
        distributed=record.flag("distributed"),
        world_size=record.integer("world_size") if "world_size" in record else None,
    )
    record.finish()
    if inference.world_size not in (None, inference.gpus.gpu_count):
        raise record.error("world_size", f"differs from gpu_count {inference.gpus.gpu_count}")
    return inference


def _tuning(record: Record) -> TuningRequirements:
    by_method = record.record("methods")
    methods = {}
    for method in TuningMethod:
        if method in by_method:
            gpus = by_method.record(method)
            methods[method] = _gpu_requirements(gpus)
            gpus.finish()
    by_method.finish()
    tuning = TuningRequirements(
        disk_gib=record.integer("disk_gib"),
        methods=methods,
        target_modules=record.texts("target_modules"),
    )
    record.finish()
    if not methods:
        raise record.error("methods", f"names none of {', '.join(TuningMethod)}")
    if not tuning.target_modules:
        raise record.error("target_modules", "names no module for the adapter to attach to")
    return tuning


def _check_names(model: Record, preset: Preset) -> None:
    if preset.name != PurePath(model.file).stem:
        raise model.error("name", f"is not the name of the file {model.file}")
    if not _NAME.match(preset.name):
        raise model.error("name", "is not lower-case letters, digits, dots and hyphens")
    for alias in preset.aliases:
        if not _NAME.match(alias) or alias == preset.name:
            raise model.error("aliases", f"holds {alias!r}, which is not another lower-case name")
    if not _HF_ID.match(preset.hf_id):
        raise model.error("hf_id", "is not of the form organization/model")


def _check_delivery(model: Record, preset: Preset) -> None:
    if preset.access is Access.PRIVATE and preset.image is not None:
        raise model.error("image", "is published, but access is private")
    if "vllm" in model and Runtime.VLLM not in preset.runtimes:
        raise model.error("vllm", "is set, but runtimes does not have vllm")
    if not preset.runtimes:
        raise model.error("runtimes", "is empty")
    if preset.quantization is not None and preset.dtype is not Dtype.AUTO:
        raise model.error("dtype", "must be auto: the weights are quantized")
    if preset.quantization is not None and preset.tuning is not None:
        raise model.error("tuning", "is set, but the weights are already quantized")


def _check_sizes(model: Record, preset: Preset) -> None:
    weights = f"the weights of {preset.weights_gib:g} GiB"
    if preset.disk_gib <= preset.weights_gib:
        raise model.error("disk_gib", f"cannot hold {weights}")
    if preset.inference.gpus.total_memory_gib <= preset.weights_gib:
        raise model.record("inference").error("total_memory_gib", f"cannot hold {weights}")
    if preset.tuning is None:
        return
    tuning, methods = model.record("tuning"), model.record("tuning").record("methods")
    if preset.tuning.disk_gib < preset.disk_gib:
        raise tuning.error("disk_gib", f"is less than serving needs: {preset.disk_gib} GiB")
    lora = preset.tuning.methods.get(TuningMethod.LORA)
    qlora = preset.tuning.methods.get(TuningMethod.QLORA)
    if lora is not None and lora.total_memory_gib <= preset.weights_gib:
        raise methods.record("lora").error("total_memory_gib", f"cannot hold {weights}")
    if lora and qlora and qlora.total_memory_gib > lora.total_memory_gib:
        raise methods.record("qlora").error("total_memory_gib", "is more than lora needs")
