"""Repositories of the hub as its API and their files describe them, cut to what is read."""

import json
from collections.abc import Mapping
from typing import Any

from kaito_presets.hub.model_files import ModelFiles
from kaito_presets.hub.repository import Repository, RepositoryFile

COMMIT = "0e9e39f249a16976918f6564b8830bc894c89659"
GIB = 2**30
TOOLS = "{% if tools %}<tool_call>{% endif %}"
PLAIN = "{% for message in messages %}{{ message.content }}{% endfor %}"


def model_files(
    name: str,
    config: Mapping[str, Any] | None,
    files: Mapping[str, int],
    *,
    template: str = TOOLS,
    tokenizer: Mapping[str, Any] | None = None,
    config_file: str = "config.json",
    **facts: Any,
) -> ModelFiles:
    """`files` are sizes in bytes by path; the small files that are read are added."""
    documents: dict[str, Any] = {"tokenizer_config.json": dict(tokenizer or {})}
    if template:
        documents["tokenizer_config.json"]["chat_template"] = template
    if config is not None:
        documents[config_file] = dict(config)
    texts = {path: json.dumps(document) for path, document in documents.items()}
    sizes = {**{path: len(text) for path, text in texts.items()}, **files}
    repository = Repository(
        name=name,
        requested="main",
        commit=COMMIT,
        files=tuple(RepositoryFile(path, size) for path, size in sizes.items()),
        **facts,
    )
    return ModelFiles(repository=repository, texts=texts)


def whole(gib: float) -> dict[str, int]:
    return {"model.safetensors": round(gib * GIB)}


def shards(*sizes: int) -> dict[str, int]:
    total = len(sizes)
    return {f"model-{i:05d}-of-{total:05d}.safetensors": s for i, s in enumerate(sizes, start=1)}


def llama(layers: int, heads: int, kv_heads: int, hidden: int, **more: Any) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "num_attention_heads": heads,
        "num_hidden_layers": layers,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": 131072,
        "torch_dtype": "bfloat16",
        **more,
    }


def qwen2(layers: int, heads: int, kv_heads: int, hidden: int, **more: Any) -> dict[str, Any]:
    return llama(layers, heads, kv_heads, hidden) | {
        "architectures": ["Qwen2ForCausalLM"],
        "model_type": "qwen2",
        "max_position_embeddings": 32768,
        "sliding_window": 131072,
        "use_sliding_window": False,
        **more,
    }


def phi3(layers: int, heads: int, kv_heads: int, hidden: int, **more: Any) -> dict[str, Any]:
    return llama(layers, heads, kv_heads, hidden) | {
        "architectures": ["Phi3ForCausalLM"],
        "model_type": "phi3",
        "auto_map": {
            "AutoConfig": "configuration_phi3.Phi3Config",
            "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM",
        },
        **more,
    }


def qwen3_5(layers: int, heads: int, kv_heads: int, moe: bool = False) -> dict[str, Any]:
    kind = "Qwen3_5Moe" if moe else "Qwen3_5"
    return {
        "architectures": [f"{kind}ForConditionalGeneration"],
        "model_type": "qwen3_5_moe" if moe else "qwen3_5",
        "text_config": {
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "head_dim": 256,
            "max_position_embeddings": 262144,
            "dtype": "bfloat16",
            "full_attention_interval": 4,
            **({"num_experts": 256, "num_experts_per_tok": 8} if moe else {}),
        },
        "vision_config": {"hidden_size": 1152, "num_heads": 16},
    }


_FP8 = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}


def deepseek_v3(**more: Any) -> dict[str, Any]:
    return {
        "architectures": ["DeepseekV3ForCausalLM"],
        "model_type": "deepseek_v3",
        "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"},
        "num_hidden_layers": 61,
        "num_attention_heads": 128,
        "num_key_value_heads": 128,
        "hidden_size": 7168,
        "kv_lora_rank": 512,
        "qk_rope_head_dim": 64,
        "qk_nope_head_dim": 128,
        "v_head_dim": 128,
        "n_routed_experts": 256,
        "max_position_embeddings": 163840,
        "rope_scaling": {"type": "yarn", "factor": 40},
        "torch_dtype": "bfloat16",
        **_FP8,
        **more,
    }


def gemma3(layers: int, heads: int, kv_heads: int, dim: int, hidden: int) -> dict[str, Any]:
    return {
        "architectures": ["Gemma3ForConditionalGeneration"],
        "model_type": "gemma3",
        "text_config": {
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "num_key_value_heads": kv_heads,
            "head_dim": dim,
            "hidden_size": hidden,
            "max_position_embeddings": 131072,
            "rope_scaling": {"factor": 8.0, "rope_type": "linear"},
            "sliding_window": 1024,
        },
        "vision_config": {"num_hidden_layers": 27, "num_attention_heads": 16, "hidden_size": 1152},
        "torch_dtype": "bfloat16",
    }


def gpt_oss(layers: int) -> dict[str, Any]:
    return {
        "architectures": ["GptOssForCausalLM"],
        "model_type": "gpt_oss",
        "num_hidden_layers": layers,
        "num_attention_heads": 64,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "hidden_size": 2880,
        "num_local_experts": 32,
        "sliding_window": 128,
        "max_position_embeddings": 131072,
        "quantization_config": {"quant_method": "mxfp4", "modules_to_not_convert": ["lm_head"]},
    }


def mistral(**more: Any) -> dict[str, Any]:
    return llama(32, 32, 8, 4096) | {
        "architectures": ["MistralForCausalLM"],
        "model_type": "mistral",
        "max_position_embeddings": 32768,
        "sliding_window": None,
        **more,
    }


_MISTRAL_7B = {
    "consolidated.safetensors": 14496078512,
    **shards(4949453792, 4999819336, 4546807800),
    "params.json": 202,
    "tokenizer.model.v3": 587404,
}

# Those of which the catalog has a preset, under the preset's own name on the hub.
PRESETS: dict[str, ModelFiles] = {
    each.repository.name: each
    for each in (
        model_files(
            "meta-llama/Llama-3.1-8B-Instruct",
            llama(32, 32, 8, 4096, rope_scaling={"rope_type": "llama3", "factor": 8.0}),
            {
                **shards(4976698672, 4999802720, 4915916176, 1168138808),
                "original/consolidated.00.pth": 16060617592,
            },
            gated=True,
            license="llama3.1",
        ),
        model_files(
            "meta-llama/Llama-3.3-70B-Instruct", llama(80, 64, 8, 8192), whole(131.42), gated=True
        ),
        model_files(
            "meta-llama/Llama-2-7b-chat-hf",
            llama(32, 32, 32, 4096, max_position_embeddings=4096, torch_dtype="float16"),
            {**whole(12.55), "pytorch_model-00001-of-00002.bin": 9976634558},
            template=PLAIN,
            gated=True,
        ),
        model_files(
            "deepseek-ai/DeepSeek-R1-Distill-Llama-8B", llama(32, 32, 8, 4096), whole(14.96)
        ),
        model_files(
            "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B",
            qwen2(48, 40, 8, 5120, max_position_embeddings=131072),
            whole(27.51),
        ),
        model_files(
            "Qwen/Qwen2.5-Coder-7B-Instruct",
            qwen2(28, 28, 4, 3584),
            shards(4877660776, 4932751008, 4330865200, 1089994880),
        ),
        model_files("Qwen/Qwen2.5-Coder-32B-Instruct", qwen2(64, 40, 8, 5120), whole(61.03)),
        model_files(
            "Qwen/Qwen3-8B-AWQ",
            qwen2(36, 32, 8, 4096)
            | {
                "architectures": ["Qwen3ForCausalLM"],
                "model_type": "qwen3",
                "head_dim": 128,
                "max_position_embeddings": 40960,
                "quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128},
            },
            whole(5.68),
        ),
        model_files("Qwen/Qwen3.5-2B", qwen3_5(24, 8, 2), whole(4.24)),
        model_files("Qwen/Qwen3.5-4B", qwen3_5(32, 16, 4), whole(8.68)),
        model_files("Qwen/Qwen3.5-122B-A10B", qwen3_5(48, 32, 2, moe=True), whole(232.99)),
        model_files(
            "Qwen/Qwen3.5-122B-A10B-GPTQ-Int4",
            qwen3_5(48, 32, 2, moe=True)
            | {"quantization_config": {"quant_method": "gptq", "bits": 4, "desc_act": False}},
            whole(73.47),
        ),
        model_files(
            "microsoft/phi-2",
            {
                "architectures": ["PhiForCausalLM"],
                "model_type": "phi",
                "hidden_size": 2560,
                "num_attention_heads": 32,
                "num_hidden_layers": 32,
                "num_key_value_heads": 32,
                "max_position_embeddings": 2048,
                "torch_dtype": "float16",
            },
            whole(5.18),
            template="",
        ),
        model_files(
            "microsoft/Phi-3-mini-4k-instruct",
            phi3(32, 32, 32, 3072, max_position_embeddings=4096, sliding_window=2047),
            shards(4972489328, 2669692552),
            template=PLAIN,
        ),
        model_files(
            "microsoft/Phi-3-mini-128k-instruct",
            phi3(32, 32, 32, 3072, rope_scaling={"type": "longrope"}),
            whole(7.12),
            template=PLAIN,
        ),
        model_files(
            "microsoft/Phi-3-medium-4k-instruct",
            phi3(40, 40, 10, 5120, max_position_embeddings=4096),
            whole(26.0),
            template=PLAIN,
        ),
        model_files(
            "microsoft/Phi-4-mini-instruct", phi3(32, 24, 8, 3072), whole(7.15), template=TOOLS
        ),
        model_files(
            "microsoft/phi-4",
            phi3(40, 40, 10, 5120, max_position_embeddings=16384),
            whole(27.31),
            template=PLAIN,
        ),
        model_files(
            "google/gemma-3-4b-it",
            gemma3(34, 8, 4, 256, 2560),
            shards(4961251752, 3639026128),
            gated=True,
        ),
        model_files(
            "google/gemma-3-27b-it", gemma3(62, 32, 16, 128, 5376), whole(51.1), gated=True
        ),
        model_files("deepseek-ai/DeepSeek-V3-0324", deepseek_v3(), whole(641.3)),
        model_files("deepseek-ai/DeepSeek-R1-0528", deepseek_v3(), whole(641.3)),
        model_files(
            "deepseek-ai/DeepSeek-V3.2",
            deepseek_v3(
                architectures=["DeepseekV32ForCausalLM"], model_type="deepseek_v32", auto_map=None
            ),
            whole(642.14),
        ),
        model_files(
            "deepseek-ai/DeepSeek-V4-Flash-0731",
            {
                "architectures": ["DeepseekV4ForCausalLM"],
                "model_type": "deepseek_v4",
                "num_hidden_layers": 43,
                "num_attention_heads": 64,
                "num_key_value_heads": 1,
                "head_dim": 512,
                "qk_rope_head_dim": 64,
                "hidden_size": 4096,
                "max_position_embeddings": 1048576,
                **_FP8,
            },
            whole(155.43),
        ),
        model_files(
            "tiiuae/falcon-7b-instruct",
            {
                "architectures": ["FalconForCausalLM"],
                "model_type": "falcon",
                "hidden_size": 4544,
                "num_attention_heads": 71,
                "num_hidden_layers": 32,
                "num_kv_heads": 71,
                "multi_query": True,
                "new_decoder_architecture": False,
                "torch_dtype": "bfloat16",
                "auto_map": {"AutoConfig": "configuration_falcon.FalconConfig"},
            },
            whole(13.44),
            template=PLAIN,
        ),
        model_files(
            "tiiuae/falcon-40b",
            {
                "architectures": ["FalconForCausalLM"],
                "model_type": "falcon",
                "hidden_size": 8192,
                "num_attention_heads": 128,
                "num_hidden_layers": 60,
                "num_kv_heads": 8,
                "multi_query": True,
                "new_decoder_architecture": True,
                "torch_dtype": "bfloat16",
            },
            whole(77.93),
            template="",
        ),
        model_files(
            "openai/gpt-oss-20b",
            gpt_oss(24),
            {
                **{
                    f"model-{i:05d}-of-00002.safetensors": size
                    for i, size in enumerate((4792272488, 4798702184, 4170342232))
                },
                "original/model.safetensors": 13761300984,
                "metal/model.bin": 13750886400,
            },
        ),
        model_files("openai/gpt-oss-120b", gpt_oss(36), whole(60.77)),
        model_files("mistralai/Mistral-7B-Instruct-v0.3", mistral(), _MISTRAL_7B),
        model_files("mistralai/Mistral-7B-v0.3", mistral(), _MISTRAL_7B, template=""),
        model_files(
            "mistralai/Ministral-3-8B-Instruct-2512",
            {
                "dim": 4096,
                "n_layers": 34,
                "head_dim": 128,
                "n_heads": 32,
                "n_kv_heads": 8,
                "max_position_embeddings": 262144,
                "vision_encoder": {"hidden_size": 1024, "num_hidden_layers": 24},
                "quantization": {"qformat_weight": "fp8_e4m3", "qscheme_act": "TENSOR"},
            },
            {"consolidated.safetensors": round(9.7 * GIB), **whole(9.7), "tekken.json": 16753777},
            config_file="params.json",
        ),
        model_files(
            "moonshotai/Kimi-K2.5",
            {
                "architectures": ["KimiK25ForConditionalGeneration"],
                "model_type": "kimi_k25",
                "auto_map": {"AutoConfig": "configuration_kimi_k25.KimiK25Config"},
                "text_config": {
                    "num_hidden_layers": 61,
                    "num_attention_heads": 64,
                    "num_key_value_heads": 64,
                    "hidden_size": 7168,
                    "kv_lora_rank": 512,
                    "qk_rope_head_dim": 64,
                    "n_routed_experts": 384,
                    "max_position_embeddings": 262144,
                    "quantization_config": {
                        "quant_method": "compressed-tensors",
                        "format": "pack-quantized",
                        "config_groups": {"group_0": {"weights": {"num_bits": 4}}},
                    },
                },
            },
            whole(554.32),
        ),
        model_files(
            "MiniMaxAI/MiniMax-M2.7",
            llama(62, 48, 8, 3072)
            | {
                "architectures": ["MiniMaxM2ForCausalLM"],
                "model_type": "minimax_m2",
                "head_dim": 128,
                "num_local_experts": 256,
                "max_position_embeddings": 204800,
                **_FP8,
            },
            whole(214.34),
        ),
        model_files(
            "ibm-granite/granite-4.1-8b",
            llama(40, 32, 8, 4096)
            | {"architectures": ["GraniteForCausalLM"], "model_type": "granite"},
            whole(16.38),
        ),
        model_files(
            "zai-org/GLM-5.2-FP8",
            deepseek_v3()
            | {
                "architectures": ["GlmMoeDsaForCausalLM"],
                "model_type": "glm_moe_dsa",
                "num_hidden_layers": 78,
                "num_attention_heads": 64,
                "num_key_value_heads": 64,
                "hidden_size": 6144,
                "max_position_embeddings": 1048576,
            },
            whole(703.75),
        ),
        model_files(
            "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
            {
                "architectures": ["NemotronHForCausalLM"],
                "model_type": "nemotron_h",
                "hybrid_override_pattern": "M-M-M-MM-M-M-M*",
                "num_hidden_layers": 56,
                "num_attention_heads": 40,
                "num_key_value_heads": 8,
                "head_dim": 128,
                "hidden_size": 4480,
                "max_position_embeddings": 131072,
                "torch_dtype": "bfloat16",
            },
            whole(16.56),
        ),
    )
}
