"""Which parsers of tool calls and of reasoning suit a model, and further options of vLLM.

As in KAITO, the model's name decides first, then its architecture. Where neither is known, the
marks in its chat template do. A model whose template knows no tools gets no parser of calls.
"""

import re
from dataclasses import dataclass

from kaito_presets.preset import VllmOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family:
    """`name` is searched in the model's part of the name, in lower case."""

    name: str = ""
    architectures: tuple[str, ...] = ()
    tools: str = ""
    reasoning: str = ""
    options: tuple[str, ...] = ()

    def matches_name(self, model: str) -> bool:
        return bool(self.name) and re.search(self.name, model) is not None


# The first that matches counts, so that what is special comes before what is general.
_FAMILIES = (
    _Family(name=r"^(openh|h)ermes-[23]", tools="hermes"),
    _Family(name=r"deepseek-r1-distill", reasoning="deepseek_r1"),
    _Family(name=r"^deepseek-r1", tools="deepseek_v3", reasoning="deepseek_r1"),
    _Family(name=r"^deepseek-v3\.1", tools="deepseek_v31", reasoning="deepseek_v3"),
    _Family(
        name=r"^deepseek-v3\.2",
        architectures=("DeepseekV32ForCausalLM",),
        tools="deepseek_v32",
        reasoning="deepseek_v3",
        options=("tokenizer-mode=deepseek_v32",),
    ),
    _Family(
        architectures=("DeepseekV4ForCausalLM",),
        tools="deepseek_v4",
        reasoning="deepseek_v4",
        options=("tokenizer-mode=deepseek_v4", "kv-cache-dtype=fp8"),
    ),
    _Family(name=r"^kimi-k3", tools="kimi_k3", reasoning="kimi_k3"),
    _Family(name=r"^kimi-k2", tools="kimi_k2", reasoning="kimi_k2"),
    _Family(name=r"^deepseek-v3", architectures=("DeepseekV3ForCausalLM",), tools="deepseek_v3"),
    _Family(name=r"^qwq-32b", tools="hermes", reasoning="deepseek_r1"),
    _Family(
        name=r"^qwen3\.[5-9]",
        architectures=("Qwen3_5ForConditionalGeneration", "Qwen3_5MoeForConditionalGeneration"),
        tools="qwen3_coder",
        reasoning="qwen3",
        options=("gdn-prefill-backend=triton",),
    ),
    _Family(name=r"^qwen3-coder", tools="qwen3_coder"),
    # Those of mid-2025 either think always or never.
    _Family(name=r"^qwen3-.*instruct", tools="hermes"),
    _Family(
        name=r"^qwen3",
        architectures=("Qwen3ForCausalLM", "Qwen3MoeForCausalLM"),
        tools="hermes",
        reasoning="qwen3",
    ),
    _Family(
        name=r"^qwen2\.5", architectures=("Qwen2ForCausalLM", "Qwen2MoeForCausalLM"), tools="hermes"
    ),
    _Family(
        name=r"nemotron-(3|cascade-2)-", tools="qwen3_coder", reasoning="nemotron_v3"
    ),
    _Family(architectures=("NemotronHForCausalLM",)),
    _Family(name=r"llama-4", architectures=("Llama4ForConditionalGeneration",),
            tools="llama4_pythonic"),
    _Family(name=r"llama-3\.[1-9]", tools="llama3_json"),
    _Family(name=r"^phi-4-mini", tools="phi4_mini_json"),
    _Family(architectures=("Phi3ForCausalLM", "PhiForCausalLM")),
    _Family(name=r"^granite-3\.2", tools="granite", reasoning="granite"),
    _Family(name=r"^granite-3", tools="granite"),
    _Family(
        name=r"^granite-4",
        architectures=("GraniteMoeHybridForCausalLM", "GraniteForCausalLM"),
        tools="granite4",
    ),
    _Family(architectures=("GptOssForCausalLM",), tools="openai", reasoning="openai_gptoss"),
    _Family(
        name=r"^minimax-m2",
        architectures=("MiniMaxM2ForCausalLM",),
        tools="minimax_m2",
        reasoning="minimax_m2",
        options=("enable-expert-parallel",),
    ),
    _Family(
        name=r"^glm-5",
        architectures=("GlmMoeDsaForCausalLM",),
        tools="glm47",
        reasoning="glm47",
        options=("kv-cache-dtype=fp8",),
    ),
    _Family(name=r"^glm-4\.7", tools="glm47", reasoning="glm47"),
    _Family(name=r"^glm-4\.[56]", architectures=("Glm4MoeForCausalLM",), tools="glm45",
            reasoning="glm45"),
    _Family(
        architectures=("Gemma4ForConditionalGeneration", "Gemma4UnifiedForConditionalGeneration"),
        tools="gemma4",
        reasoning="gemma4",
    ),
    _Family(name=r"^functiongemma", tools="functiongemma"),
    _Family(architectures=("Gemma3ForConditionalGeneration", "Gemma3ForCausalLM")),
    _Family(
        architectures=(
            *("MistralForCausalLM", "MixtralForCausalLM", "MistralLarge3ForCausalLM"),
            *("Mistral3ForConditionalGeneration", "Ministral3ForCausalLM"),
            "PixtralForConditionalGeneration",
        ),
        tools="mistral",
    ),
    _Family(name=r"^olmo-3", architectures=("Olmo3ForCausalLM",), tools="olmo3",
            reasoning="olmo3"),
    _Family(name=r"^seed-oss", architectures=("SeedOssForCausalLM",), tools="seed_oss",
            reasoning="seed_oss"),
    _Family(name=r"^hunyuan-a13b", architectures=("HunYuanMoEV1ForCausalLM",),
            tools="hunyuan_a13b", reasoning="hunyuan_a13b"),
    _Family(name=r"^ernie-4\.5", architectures=("Ernie4_5_MoeForCausalLM",), tools="ernie45",
            reasoning="ernie45"),
    _Family(name=r"^step-?3p5", architectures=("Step3p5ForCausalLM",), tools="step3p5",
            reasoning="step3p5"),
    _Family(name=r"^step-?3", architectures=("Step3TextForCausalLM",), tools="step3",
            reasoning="step3"),
    _Family(name=r"^internlm", architectures=("InternLM2ForCausalLM",), tools="internlm"),
    _Family(name=r"jamba", architectures=("JambaForCausalLM",), tools="jamba"),
    _Family(name=r"xlam", tools="xlam"),
    _Family(name=r"^longcat", architectures=("LongcatFlashForCausalLM",), tools="longcat"),
    _Family(name=r"^gigachat3", tools="gigachat3"),
    _Family(name=r"^apertus", architectures=("ApertusForCausalLM",), tools="apertus"),
    _Family(name=r"^lfm2", architectures=("Lfm2ForCausalLM", "Lfm2MoeForCausalLM"), tools="lfm2"),
    _Family(name=r"^mimo", architectures=("MiMoForCausalLM", "MiMoV2FlashForCausalLM"),
            tools="mimo", reasoning="mimo"),
)  # fmt: skip
# What a chat template writes before a call, where nothing else says who made the model.
_MARKS = (
    ("<|python_tag|>", "llama3_json"),
    ("[TOOL_CALLS]", "mistral"),
    ("<function=", "qwen3_coder"),
    ("<tool_call>", "hermes"),
)


def vllm_options(
    name: str, architecture: str, chat_template: str, *, mistral_format: bool
) -> VllmOptions:
    """The options for a model of the hub; `chat_template` is empty where it has none."""
    model = name.rpartition("/")[2].lower()
    family = next((each for each in _FAMILIES if each.matches_name(model)), None) or next(
        (each for each in _FAMILIES if architecture in each.architectures), None
    )
    if family is None:
        family = _Family(tools=next((p for mark, p in _MARKS if mark in chat_template), ""))
    chats = bool(chat_template)
    calls = chats and (mistral_format or "tool" in chat_template)
    return VllmOptions(
        tool_call_parser=family.tools if calls else "",
        reasoning_parser=family.reasoning if chats else "",
        mistral_format=mistral_format,
        options=family.options,
    )
