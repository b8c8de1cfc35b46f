"""Parsing a preset's file, and the contradictions that it rejects."""

import pytest

from kaito_presets import preset_file
from kaito_presets.preset import GpuRequirements, LatentAttention, Quantization, TuningMethod
from kaito_skus.records import DataError

SMALL = """
name: small
aliases: [tiny]
hf_id: org/Small
license: mit
gated: false
access: public
architecture: LlamaForCausalLM
weights_gib: 7.5
token_limit: 4096
attention: {layers: 2, heads: 8, kv_heads: 4, hidden_size: 512}
dtype: bfloat16
trust_remote_code: false
disk_gib: 90
readiness_timeout_seconds: 1800
runtimes: [vllm]
image: {name: kaito-small, tag: "1.0", model_path: /weights}
inference: {gpu_count: 1, total_memory_gib: 10, per_gpu_memory_gib: 0, distributed: true}
tuning:
  disk_gib: 90
  methods:
    lora: {gpu_count: 1, total_memory_gib: 20, per_gpu_memory_gib: 20}
    qlora: {gpu_count: 1, total_memory_gib: 16, per_gpu_memory_gib: 16}
  target_modules: [q_proj]
"""


def changed(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def test_file_is_parsed() -> None:
    preset = preset_file.parse("small.yaml", SMALL)
    assert preset.attention.head_dim == 64
    assert preset.tuning is not None
    assert preset.tuning.methods[TuningMethod.QLORA] == GpuRequirements(
        gpu_count=1, total_memory_gib=16, per_gpu_memory_gib=16
    )


def test_optional_fields() -> None:
    text = changed("aliases: [tiny]\n", "").split("tuning:")[0]
    text = text.replace('image: {name: kaito-small, tag: "1.0", model_path: /weights}\n', "")
    preset = preset_file.parse("small.yaml", text)
    assert (preset.aliases, preset.image, preset.tuning) == ((), None, None)
    assert not preset.tunable


def test_latent_attention_and_quantization() -> None:
    text = changed(
        "hidden_size: 512", "head_dim: 7, latent: {kv_lora_rank: 5, qk_rope_head_dim: 3}"
    )
    text = text.replace("dtype: bfloat16", "dtype: auto\nquantization: {method: awq, bits: 4}")
    preset = preset_file.parse("small.yaml", text.split("tuning:")[0])
    assert preset.attention.latent == LatentAttention(5, 3)
    assert preset.attention.kv_bytes_per_token == (5 + 3) * 2 * 2
    assert preset.quantization == Quantization("awq", 4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: small", "name: large", "small.yaml: name: 'large' is not the name of the file"),
        ("[tiny]", "[Tiny]", "aliases: ['Tiny'] holds 'Tiny'"),
        ("[tiny]", "[small]", "aliases: ['small'] holds 'small'"),
        ("[tiny]", "[tiny, tiny]", "aliases: ['tiny', 'tiny'] contains a duplicate"),
        ("org/Small", "Small", "hf_id: 'Small' is not of the form organization/model"),
        ("access: public", "access: private", "is published, but access is private"),
        ("access: public", "access: secret", "access: 'secret' is not one of public, private"),
        ("runtimes: [vllm]", "runtimes: []", "runtimes: [] is empty"),
        (
            "runtimes: [vllm]",
            "runtimes: [tgi]",
            "runtimes: ['tgi'] contains something other than vllm",
        ),
        ("kv_heads: 4", "kv_heads: 3", "attention.kv_heads: 3 does not divide the 8 heads"),
        (", hidden_size: 512", "", "attention.head_dim: None is missing"),
        ("hidden_size: 512", "hidden_size: 500", "attention.hidden_size: 500 is not a multiple"),
        ("kaito-small", "small", "image.name: 'small' does not start with kaito-"),
        ("/weights", "weights", "image.model_path: 'weights' is not an absolute path"),
        ("disk_gib: 90\nread", "disk_gib: 7\nread", "disk_gib: 7 cannot hold the weights"),
        (
            "total_memory_gib: 10",
            "total_memory_gib: 7",
            "inference.total_memory_gib: 7 cannot hold the weights of 7.5 GiB",
        ),
        (
            "per_gpu_memory_gib: 0",
            "per_gpu_memory_gib: 11",
            "inference.per_gpu_memory_gib: 11 is more than total_memory_gib",
        ),
        (
            "distributed: true",
            "distributed: true, world_size: 2",
            "inference.world_size: 2 differs from gpu_count 1",
        ),
        ("  disk_gib: 90", "  disk_gib: 80", "tuning.disk_gib: 80 is less than serving needs: 90"),
        (
            "lora: {gpu_count: 1, total_memory_gib: 20, per_gpu_memory_gib: 20}",
            "lora: {gpu_count: 1, total_memory_gib: 7, per_gpu_memory_gib: 7}",
            "tuning.methods.lora.total_memory_gib: 7 cannot hold the weights",
        ),
        (
            "qlora: {gpu_count: 1, total_memory_gib: 16",
            "qlora: {gpu_count: 1, total_memory_gib: 21",
            "tuning.methods.qlora.total_memory_gib: 21 is more than lora needs",
        ),
        ("    lora:", "    dora:", "tuning.methods.dora"),
        ("[q_proj]", "[]", "tuning.target_modules: [] names no module"),
        ("dtype: bfloat16", "dtype: bfloat16\nquantization: {method: fp8}", "dtype: 'bfloat16'"),
        ("dtype: bfloat16", "dtype: auto\nquantization: {method: fp8}", "already quantized"),
        ("license: mit", "license: mit\nlicence: mit", "licence: 'mit' is an unknown field"),
        ("gated: false\n", "", "gated: None is missing"),
    ],
)
def test_contradiction_names_file_field_and_value(old: str, new: str, message: str) -> None:
    with pytest.raises(DataError) as error:
        preset_file.parse("small.yaml", changed(old, new))
    assert str(error.value).startswith("small.yaml: ")
    assert message in str(error.value)


def test_name_must_be_lower_case() -> None:
    with pytest.raises(DataError, match="name: 'Small_1' is not lower-case letters"):
        preset_file.parse("Small_1.yaml", changed("name: small", "name: Small_1"))


def test_tuning_needs_a_method() -> None:
    head, tail = SMALL.split("  methods:")
    text = f"{head}  methods: {{}}\n  target_modules{tail.split('target_modules')[1]}"
    with pytest.raises(DataError, match="names none of lora, qlora"):
        preset_file.parse("small.yaml", text)
