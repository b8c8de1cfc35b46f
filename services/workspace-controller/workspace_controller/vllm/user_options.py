"""The options of vLLM that an inference_config.yaml sets, and what is wrong with them."""

import difflib
from collections.abc import Mapping
from typing import Any

from kaito_training.errors import ConfigError
from kaito_training.option_types import convert
from kaito_training.ranges import Range
from workspace_controller.vllm.option_types import NEGATIONS, OPTION_TYPES, VERSION

# How the parts of a pod reach each other, and what Kaito's own parts count on.
_RESERVED = frozenset(
    "host port uds model model-tag served-model-name root-path config grpc grpc-port headless "
    "nnodes node-rank master-addr master-port distributed-executor-backend api-server-count "
    "lora-modules download-dir api-key ssl-keyfile ssl-certfile ssl-ca-certs ssl-cert-reqs "
    "ssl-ciphers enable-ssl-refresh data-parallel-rank data-parallel-address "
    "data-parallel-start-rank data-parallel-rpc-port data-parallel-external-lb "
    "data-parallel-hybrid-lb data-parallel-multi-port-external-lb".split()
)
# Options of older versions that files written for KAITO still set. None changes an answer, so they
# are dropped.
OBSOLETE = frozenset(
    "swap-space num-scheduler-steps use-v2-block-manager max-seq-len-to-capture "
    "preemption-mode".split()
)
_RANGES = {"gpu-memory-utilization": Range(above=0, at_most=1)}
_TRUE, _FALSE = (True, "true", "yes", "on", "", None), (False, "false", "no", "off")


def canonical(name: str, value: Any) -> tuple[str, Any]:
    """The option in its positive form: `disable-lora: true` is `enable-lora: false`."""
    if name in NEGATIONS and name.startswith(("disable-", "no-")) and isinstance(value, bool):
        return NEGATIONS[name], not value
    return name, value


def read_options(section: Mapping[Any, Any]) -> dict[str, Any]:
    """The options of a `vllm` section by canonical name; a value of None stands for vLLM's default.

    Raises:
        ConfigError: an option is unknown or not the user's, or has a value of another type. The
            message continues a sentence that starts with the file's name.
    """
    options: dict[str, Any] = {}
    for key, value in section.items():
        name = str(key).replace("_", "-").removeprefix("--")
        if name in OBSOLETE:
            continue
        _check_name(str(key), name)
        converted = _convert(str(key), value, OPTION_TYPES[name], _RANGES.get(name))
        name, converted = canonical(name, converted)
        options[name] = converted
    return options


def _check_name(key: str, name: str) -> None:
    if name in _RESERVED or NEGATIONS.get(name) in _RESERVED:
        raise ConfigError(f"sets vllm.{key}, which Kaito sets itself: remove it")
    if name in OPTION_TYPES:
        return
    near = difflib.get_close_matches(name, OPTION_TYPES, n=1)
    hint = f"did you mean {near[0]}?" if near else "vllm serve --help=all lists them"
    raise ConfigError(f"sets vllm.{key}, which is no option of vLLM {VERSION}: {hint}")


def _convert(key: str, value: Any, types: str, bounds: Range | None) -> Any:
    if types == "bool":
        # KAITO passes values on as text, so its users write switches in any of these ways.
        text = value.lower() if isinstance(value, str) else value
        value = True if text in _TRUE else False if text in _FALSE else value
    elif value is None:
        return None
    elif isinstance(value, int | float) and not {"int", "float"} & set(types.split(" | ")):
        # An option that is text may look like a number, such as a revision.
        value = str(value)
    try:
        return convert(value, types, bounds, f"vllm.{key}")
    except ConfigError as error:
        raise ConfigError(f"cannot be used: {error}") from None
