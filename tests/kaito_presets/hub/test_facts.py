"""From the files of a repository to the facts of a preset."""

from typing import Any

import pytest

from kaito_presets import catalog
from kaito_presets.hub import rules
from kaito_presets.hub.facts import read_model
from kaito_presets.hub.model import HubModel
from kaito_presets.preset import Dtype, Quantization, Runtime
from tests.kaito_presets.hub.repositories import (
    COMMIT,
    PLAIN,
    PRESETS,
    TOOLS,
    deepseek_v3,
    llama,
    model_files,
    qwen2,
    whole,
)


def read(*arguments: Any, **options: Any) -> HubModel:
    model = read_model(model_files(*arguments, **options))
    assert isinstance(model, HubModel), model
    return model


@pytest.mark.parametrize("name", PRESETS)
def test_the_facts_of_a_repository_are_those_of_its_preset(name: str) -> None:
    """The preset counts where a name is in the catalog; neither may contradict the other."""
    preset, model = catalog.load().find(name), read_model(PRESETS[name])
    assert preset is not None and isinstance(model, HubModel)
    found = model.preset
    assert found.name == preset.hf_id
    assert found.architecture == preset.architecture
    assert found.weights_gib == pytest.approx(preset.weights_gib, abs=0.011)
    assert found.token_limit == preset.token_limit
    assert found.attention.kv_bytes_per_token == preset.attention.kv_bytes_per_token
    assert found.attention.heads == preset.attention.heads
    assert found.quantization == preset.quantization
    assert found.vllm == preset.vllm
    assert found.gated == preset.gated
    assert found.disk_gib <= preset.disk_gib
    assert found.readiness_timeout_seconds <= preset.readiness_timeout_seconds
    assert found.inference.gpus.total_memory_gib <= preset.inference.gpus.total_memory_gib
    # KAITO allows the code of repositories whose models are in the libraries since.
    assert not model.remote_code or preset.trust_remote_code
    assert model.revision == COMMIT


def test_at_least_twenty_presets_are_compared() -> None:
    assert len(PRESETS) >= 20


@pytest.mark.parametrize("preset", catalog.load().presets, ids=lambda preset: preset.name)
def test_presets_follow_the_rules_for_disk_time_and_memory(preset: Any) -> None:
    assert preset.disk_gib >= rules.disk_gib(preset.weights_gib)
    assert preset.inference.gpus.total_memory_gib >= rules.serving_memory_gib(preset.weights_gib)
    assert preset.readiness_timeout_seconds >= rules.readiness_timeout_seconds(preset.weights_gib)


MIXTRAL = llama(32, 32, 8, 4096) | {
    "architectures": ["MixtralForCausalLM"],
    "model_type": "mixtral",
    "num_local_experts": 8,
    "max_position_embeddings": 32768,
    "sliding_window": None,
}
QWEN3_MOE = qwen2(48, 32, 4, 2048) | {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "head_dim": 128,
    "num_experts": 128,
    "max_position_embeddings": 40960,
}
GEMMA2 = llama(42, 16, 8, 3584) | {
    "architectures": ["Gemma2ForCausalLM"],
    "model_type": "gemma2",
    "head_dim": 256,
    "max_position_embeddings": 8192,
    "sliding_window": 4096,
}
V2_LITE = deepseek_v3() | {
    "architectures": ["DeepseekV2ForCausalLM"],
    "model_type": "deepseek_v2",
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "hidden_size": 2048,
    "n_routed_experts": 64,
    "quantization_config": None,
}
GPT2 = {
    "architectures": ["GPT2LMHeadModel"],
    "model_type": "gpt2",
    "n_embd": 768,
    "n_head": 12,
    "n_layer": 12,
    "n_positions": 1024,
}
FALCON_RW = {
    "architectures": ["GPTBigCodeForCausalLM"],
    "model_type": "gpt_bigcode",
    "n_embd": 6144,
    "n_head": 48,
    "n_layer": 40,
    "n_positions": 8192,
    "multi_query": True,
}


@pytest.mark.parametrize(
    ("name", "config", "kind", "kv_bytes", "limit", "window", "experts"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", qwen2(24, 14, 2, 896), "GQA", 12288, 32768, None, None),
        ("mistralai/Mixtral-8x7B-v0.1", MIXTRAL, "GQA", 131072, 32768, None, 8),
        ("Qwen/Qwen3-30B-A3B", QWEN3_MOE, "GQA", 98304, 40960, None, 128),
        ("google/gemma-2-9b-it", GEMMA2, "GQA", 344064, 8192, 4096, None),
        ("deepseek-ai/DeepSeek-V2-Lite", V2_LITE, "MLA", 31104, 163840, None, 64),
        ("openai-community/gpt2", GPT2, "MHA", 36864, 1024, None, None),
        ("bigcode/starcoder", FALCON_RW, "MQA", 20480, 8192, None, None),
    ],
)
def test_attention_is_read_whatever_the_fields_are_called(
    name: str,
    config: dict[str, Any],
    kind: str,
    kv_bytes: int,
    limit: int,
    window: int | None,
    experts: int | None,
) -> None:
    model = read(name, config, whole(1.0))
    attention = model.preset.attention
    assert (attention.kind, attention.kv_bytes_per_token) == (kind, kv_bytes)
    assert (model.preset.token_limit, model.sliding_window, model.experts) == (
        limit,
        window,
        experts,
    )


@pytest.mark.parametrize(
    ("section", "quantization"),
    [
        ({"quant_method": "gptq", "bits": 4}, Quantization("gptq", 4)),
        ({"quant_method": "awq", "bits": 4}, Quantization("awq", 4)),
        ({"quant_method": "fp8"}, Quantization("fp8")),
        (
            {
                "quant_method": "compressed-tensors",
                "format": "float-quantized",
                "config_groups": {"group_0": {"weights": {"num_bits": 8}}},
            },
            Quantization("compressed-tensors"),
        ),
        (
            {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"},
            Quantization("nvfp4", 4),
        ),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, Quantization("nvfp4", 4)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_quantized_weights_are_served_by_vllm_alone(
    section: dict[str, Any], quantization: Quantization
) -> None:
    config = llama(32, 32, 8, 4096, quantization_config=section)
    preset = read("org/Quantized", config, whole(8.0)).preset
    assert preset.quantization == quantization
    assert preset.runtimes == (Runtime.VLLM,)
    assert preset.dtype is Dtype.AUTO


@pytest.mark.parametrize(
    ("name", "template", "tools", "reasoning"),
    [
        ("NousResearch/Hermes-3-Llama-3.1-8B", TOOLS, "hermes", ""),
        ("unsloth/Llama-3.2-1B-Instruct", TOOLS, "llama3_json", ""),
        ("meta-llama/Llama-3.1-8B", "", "", ""),
        ("org/llama-3.1-8b-without-tools", PLAIN, "", ""),
        ("org/fine-tuned", "{% if tools %}<|python_tag|>{% endif %}", "llama3_json", ""),
        ("org/fine-tuned", "{% if tools %}[TOOL_CALLS]{% endif %}", "mistral", ""),
        ("org/fine-tuned", TOOLS, "hermes", ""),
        ("org/fine-tuned", "{% if tools %}{{ tools }}{% endif %}", "", ""),
        ("org/DeepSeek-R1-Distill-Llama-8B-tuned", TOOLS, "", "deepseek_r1"),
    ],
)
def test_parsers_follow_name_and_template(
    name: str, template: str, tools: str, reasoning: str
) -> None:
    model = read(name, llama(32, 32, 8, 4096), whole(15.0), template=template)
    assert model.preset.vllm.tool_call_parser == tools
    assert model.preset.vllm.reasoning_parser == reasoning
    assert model.chat_template is bool(template)


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ({"torch_dtype": "bfloat16"}, Dtype.BFLOAT16),
        ({"torch_dtype": None, "dtype": "float16"}, Dtype.FLOAT16),
        ({"torch_dtype": "float32"}, Dtype.AUTO),
        ({"torch_dtype": None}, Dtype.AUTO),
    ],
)
def test_dtype_is_that_of_the_files(dtype: dict[str, Any], expected: Dtype) -> None:
    model = read("org/model", llama(32, 32, 8, 4096, **dtype), whole(15.0))
    assert model.preset.dtype is expected
    assert model.preset.runtimes == (Runtime.VLLM, Runtime.TRANSFORMERS)


def test_what_no_engine_reads_is_neither_weighed_nor_downloaded() -> None:
    files = {
        **whole(1.0),
        "pytorch_model.bin": 10**10,
        "original/consolidated.safetensors": 10**10,
        "onnx/model.onnx": 10**10,
        "model-q4.gguf": 10**10,
    }
    model = read("org/model", llama(32, 32, 8, 4096), files)
    assert model.preset.weights_gib == 1.0
    assert 2**30 < model.download_bytes < 2**30 + 10_000


@pytest.mark.parametrize(
    ("config", "tokenizer", "needs"),
    [
        ({}, {}, False),
        # The libraries know phi3, whatever the repository brings along.
        ({"model_type": "phi3", "auto_map": {"AutoConfig": "x.Y"}}, {}, False),
        ({"model_type": "own", "auto_map": {"AutoConfig": "x.Y"}}, {}, True),
        ({}, {"auto_map": {"AutoTokenizer": ["t.T", None]}, "tokenizer_class": "Own"}, True),
        ({}, {"auto_map": ["t.T", None], "tokenizer_class": "Own"}, True),
        ({}, {"auto_map": ["t.T", None], "tokenizer_class": "LlamaTokenizer"}, False),
    ],
)
def test_code_of_the_repository_is_needed_only_where_the_libraries_lack_it(
    config: dict[str, Any], tokenizer: dict[str, Any], needs: bool
) -> None:
    model = read("org/model", llama(32, 32, 8, 4096, **config), whole(1.0), tokenizer=tokenizer)
    assert model.remote_code is needs
    assert model.preset.trust_remote_code is False
