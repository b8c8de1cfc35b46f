"""The arguments of `vllm serve`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kaito_presets.estimate import UTILIZATION
from kaito_presets.preset import Dtype, Preset
from kaito_skus.sku import CudaCapability, GpuSet
from workspace_controller.vllm import parallelism
from workspace_controller.vllm.option_types import NEGATIONS, OPTION_TYPES
from workspace_controller.vllm.parallelism import Parallelism

HOST, PORT = "127.0.0.1", 8000
# More than one server, vLLM's choice for copies of a model, cannot load adapters while it runs.
SINGLE_SERVER = "--api-server-count=1"
# Older GPUs have no bfloat16.
_BFLOAT16_CAPABILITY = CudaCapability(8, 0)
# Virtual GPUs of this model give a part of their memory to the driver.
_UTILIZATION_OF_MODELS = {"NVIDIA A10": 0.82}
# What vLLM reserves for each adapter depends on the rank; nearly all adapters have a lower one.
_MAX_LORA_RANK = 64
# Adapters of one batch where any number may come later: each reserves memory, and the requests of
# others take turns.
PULLED_AT_ONCE = 4
# As many as model-server takes.
_MAX_ADAPTERS = 16
_PARALLEL = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeCommand:
    """`gpu_count` is what the pod of each node has; `gpus` describes them, None if unknown.

    `max_model_len` is in tokens, 0 for the longest that fits. `user_options` are those of
    user_options.read_options.
    """

    preset: Preset
    model_path: str
    gpu_count: int
    gpus: GpuSet | None = None
    nodes: int = 1
    max_model_len: int = 0
    adapters: int = 0
    user_options: Mapping[str, Any] = field(default_factory=dict)


def serve_arguments(command: ServeCommand) -> tuple[str, ...]:
    """The model, then the options in alphabetical order; the user's take precedence."""
    options = {**_defaults(command), **_parallel_options(command), **command.user_options}
    options |= {
        "host": HOST,
        "port": PORT,
        "served-model-name": command.preset.name,
    }
    rendered = [text for name in sorted(options) for text in _render(name, options[name])]
    # Of several nodes only the first has a server, and vLLM refuses the option on the others.
    servers = (SINGLE_SERVER,) if command.nodes == 1 else ()
    return (command.model_path, *rendered, *servers)


def chosen_parallelism(command: ServeCommand) -> Parallelism:
    """The user's sizes, where one is set; otherwise those that suit the model and the GPUs."""
    own = [command.user_options.get(name) for name in _PARALLEL]
    if any(own):
        tensor, pipeline, data = (size or 1 for size in own)
        return Parallelism(tensor=tensor, pipeline=pipeline, data=data)
    return parallelism.choose(
        command.preset,
        gpus=command.gpu_count,
        memory_gib=command.gpus.memory_gib if command.gpus is not None else None,
        nodes=command.nodes,
    )


def _parallel_options(command: ServeCommand) -> dict[str, Any]:
    chosen = chosen_parallelism(command)
    sizes = (chosen.tensor, chosen.pipeline, chosen.data)
    return {name: size for name, size in zip(_PARALLEL, sizes, strict=True) if size > 1}


def _defaults(command: ServeCommand) -> dict[str, Any]:
    preset = command.preset
    options: dict[str, Any] = {
        "dtype": _dtype(command),
        "max-model-len": command.max_model_len or "auto",
        "gpu-memory-utilization": _utilization(command.gpus),
        "trust-remote-code": preset.trust_remote_code or None,
        # Requests of the gRPC contract have a priority, and their usage has cached tokens.
        "scheduling-policy": "priority",
        "enable-prompt-tokens-details": True,
        "uvicorn-log-level": "warning",
    }
    if command.adapters:
        options |= {
            "enable-lora": True,
            "max-loras": min(command.adapters, _MAX_ADAPTERS),
            "max-cpu-loras": _MAX_ADAPTERS,
            "max-lora-rank": _MAX_LORA_RANK,
        }
    return options | _model_options(preset)


def _model_options(preset: Preset) -> dict[str, Any]:
    facts, options = preset.vllm, dict[str, Any]()
    if facts.tool_call_parser:
        options |= {"tool-call-parser": facts.tool_call_parser, "enable-auto-tool-choice": True}
    if facts.reasoning_parser:
        options["reasoning-parser"] = facts.reasoning_parser
    if facts.mistral_format:
        options |= dict.fromkeys(("tokenizer-mode", "config-format", "load-format"), "mistral")
    for option in facts.options:
        name, has_value, value = option.partition("=")
        options[name] = value if has_value else True
    return options


def _dtype(command: ServeCommand) -> str:
    wanted, gpus = command.preset.dtype, command.gpus
    capability = gpus.cuda_capability if gpus is not None else None
    lacks_bfloat16 = capability is not None and capability < _BFLOAT16_CAPABILITY
    return Dtype.FLOAT16 if wanted is Dtype.BFLOAT16 and lacks_bfloat16 else wanted


def _utilization(gpus: GpuSet | None) -> float:
    return _UTILIZATION_OF_MODELS.get(gpus.model, UTILIZATION) if gpus else UTILIZATION


def _render(name: str, value: Any) -> Iterator[str]:
    """None stands for vLLM's own default."""
    if value is None:
        return
    if value is True:
        yield f"--{name}"
    elif value is False:
        # A switch that nothing turns off is off.
        if name in NEGATIONS:
            yield f"--{NEGATIONS[name]}"
    elif isinstance(value, list) and OPTION_TYPES[name].startswith("list"):
        yield from (f"--{name}", *map(str, value))
    elif isinstance(value, dict | list):
        yield f"--{name}={json.dumps(value)}"
    else:
        yield f"--{name}={value}"
