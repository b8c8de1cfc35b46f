"""The command line of `vllm serve` for many models and GPUs."""

from typing import Any

import pytest

from kaito_presets import catalog
from kaito_presets.preset import Preset, Runtime
from kaito_skus import catalog as skus
from workspace_controller.vllm.command import ServeCommand, serve_arguments
from workspace_controller.vllm.option_types import (
    NEGATIONS,
    OPTION_TYPES,
    REASONING_PARSERS,
    TOOL_PARSERS,
)


def arguments(name: str, sku: str = "Standard_NC24ads_A100_v4", **changes: Any) -> list[str]:
    preset, found = catalog.load().find(name), skus.load().find(sku)
    assert preset is not None and found is not None
    given = {"gpus": found.gpus, "gpu_count": found.gpus.count, **changes}
    command = ServeCommand(preset=preset, model_path="/mnt/model", **given)
    return list(serve_arguments(command))


def test_the_whole_command_line_of_a_small_model() -> None:
    assert arguments("phi-4-mini-instruct") == [
        "/mnt/model",
        "--dtype=auto",
        "--enable-auto-tool-choice",
        "--enable-prompt-tokens-details",
        "--gpu-memory-utilization=0.84",
        "--host=127.0.0.1",
        "--max-model-len=auto",
        "--port=8000",
        "--scheduling-policy=priority",
        "--served-model-name=phi-4-mini-instruct",
        "--tool-call-parser=phi4_mini_json",
        "--trust-remote-code",
        "--uvicorn-log-level=warning",
        "--api-server-count=1",
    ]


def test_the_number_of_servers_is_left_out_where_some_nodes_have_none() -> None:
    made = arguments("llama-3.3-70b-instruct", "Standard_NC48ads_A100_v4", nodes=2)
    assert not [each for each in made if "api-server-count" in each]


@pytest.mark.parametrize(
    ("name", "sku", "nodes", "expected"),
    [
        ("phi-4", "Standard_NC96ads_A100_v4", 1, ["--data-parallel-size=4"]),
        ("llama-3.3-70b-instruct", "Standard_NC96ads_A100_v4", 1,
         ["--tensor-parallel-size=4", "--tool-call-parser=llama3_json"]),
        ("llama-3.3-70b-instruct", "Standard_NC48ads_A100_v4", 2,
         ["--tensor-parallel-size=2", "--pipeline-parallel-size=2"]),
        ("gpt-oss-20b", "Standard_NV36ads_A10_v5", 2,
         ["--pipeline-parallel-size=2", "--gpu-memory-utilization=0.82", "--dtype=auto",
          "--tool-call-parser=openai", "--reasoning-parser=openai_gptoss"]),
        ("deepseek-r1-0528", "Standard_NC80adis_H100_v5", 6,
         ["--tensor-parallel-size=2", "--pipeline-parallel-size=6",
          "--tool-call-parser=deepseek_v3", "--reasoning-parser=deepseek_r1"]),
        ("deepseek-v4-flash-0731", "Standard_ND96isr_H100_v5", 1,
         ["--kv-cache-dtype=fp8", "--tokenizer-mode=deepseek_v4", "--tensor-parallel-size=8"]),
        ("minimax-m2.7", "Standard_ND96isr_H100_v5", 1,
         ["--enable-expert-parallel", "--reasoning-parser=minimax_m2"]),
        ("ministral-3-8b-instruct", "Standard_NC24ads_A100_v4", 1,
         ["--tokenizer-mode=mistral", "--config-format=mistral", "--load-format=mistral",
          "--tool-call-parser=mistral"]),
        ("qwen3-8b-awq", "Standard_NC24ads_A100_v4", 1,
         ["--dtype=auto", "--reasoning-parser=qwen3"]),
        # A T4 has no bfloat16.
        ("llama-3.1-8b-instruct", "Standard_NC4as_T4_v3", 1, ["--dtype=float16"]),
    ],
)  # fmt: skip
def test_options_of_models_on_instance_types(
    name: str, sku: str, nodes: int, expected: list[str]
) -> None:
    made = arguments(name, sku, nodes=nodes)
    assert set(expected) <= set(made)


def test_a_model_that_needs_no_code_of_its_own_runs_none() -> None:
    assert "--trust-remote-code" not in arguments("llama-3.1-8b-instruct")


def test_adapters_have_room_to_be_loaded_later() -> None:
    made = arguments("phi-4", adapters=2)
    assert {"--enable-lora", "--max-loras=2", "--max-cpu-loras=16", "--max-lora-rank=64"} <= set(
        made
    )
    assert not [each for each in arguments("phi-4") if "lora" in each]


@pytest.mark.parametrize(
    ("options", "present", "absent"),
    [
        ({"gpu-memory-utilization": 0.95}, "--gpu-memory-utilization=0.95", "=0.84"),
        ({"enable-prefix-caching": False}, "--disable-prefix-caching", "--enable-prefix-caching"),
        ({"enable-prompt-tokens-details": False}, "--disable-prompt-tokens-details",
         "--enable-prompt"),
        ({"hf-overrides": {"a": [1]}}, '--hf-overrides={"a": [1]}', "None"),
        ({"max-lora-rank": 256}, "--max-lora-rank=256", "=64"),
        # vLLM's own default in place of Kaito's.
        ({"gpu-memory-utilization": None}, "--dtype=bfloat16", "--gpu-memory-utilization"),
        ({"scheduling-policy": "fcfs"}, "--scheduling-policy=fcfs", "=priority"),
        ({"reasoning-parser": "qwen3"}, "--reasoning-parser=qwen3", "=deepseek"),
    ],
)  # fmt: skip
def test_the_users_options_take_precedence(
    options: dict[str, Any], present: str, absent: str
) -> None:
    made = arguments("llama-3.1-8b-instruct", user_options=options, adapters=1)
    assert present in made
    assert not [each for each in made if absent in each]


def test_a_list_becomes_several_arguments() -> None:
    made = arguments("phi-4", user_options={"allowed-media-domains": ["a.example", "b.example"]})
    at = made.index("--allowed-media-domains")
    assert made[at + 1 : at + 3] == ["a.example", "b.example"]


def test_the_users_parallel_sizes_replace_all_of_kaitos() -> None:
    made = arguments("phi-4", "Standard_NC96ads_A100_v4", user_options={"tensor-parallel-size": 2})
    assert "--tensor-parallel-size=2" in made
    assert not [each for each in made if "data-parallel" in each or "pipeline" in each]


@pytest.mark.parametrize(
    "model",
    [each for each in catalog.load().presets if Runtime.VLLM in each.runtimes],
    ids=lambda model: model.name,
)
def test_vllm_knows_every_option_and_parser_of_a_preset(model: Preset) -> None:
    made = arguments(model.name, adapters=1)
    names = {each[2:].partition("=")[0] for each in made[1:]}
    assert names <= set(OPTION_TYPES)
    switches = {each[2:] for each in made[1:] if "=" not in each}
    assert switches <= set(NEGATIONS) | {n for n, t in OPTION_TYPES.items() if t == "bool"}
    facts = model.vllm
    assert not facts.tool_call_parser or facts.tool_call_parser in TOOL_PARSERS
    assert not facts.reasoning_parser or facts.reasoning_parser in REASONING_PARSERS
