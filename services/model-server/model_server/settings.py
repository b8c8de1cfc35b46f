"""The server's settings, read once from the environment."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar, cast

from kaito_process.cpu import has_bfloat16

EngineName = Literal["auto", "transformers"]
Dtype = Literal["auto", "bfloat16", "float16", "float32"]
T = TypeVar("T")


class SettingsError(Exception):
    """A variable holds a value that cannot be used; names both and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per KAITO_* variable; `docs/serving.md` describes them."""

    model_path: Path
    model_name: str
    engine: EngineName
    dtype: Dtype
    cpu_bfloat16: bool
    max_model_len: int | None
    trust_remote_code: bool
    cpu_threads: int
    kv_cache_bytes: int | None
    adapters_dir: Path
    adapter_strengths: Mapping[str, float]
    default_adapter: str | None
    max_adapters: int
    max_requests: int
    grpc_port: int
    metrics_port: int
    drain_seconds: float
    nodes: int
    termination_log: Path
    workspace: str
    namespace: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read and check every variable. Raises SettingsError for the first that is wrong."""
        env = _Environment(environ)
        return cls(
            model_path=env.get("KAITO_MODEL_PATH", Path, "/mnt/model"),
            model_name=env.get("KAITO_MODEL_NAME", _name, None),
            engine=cast(EngineName, env.choice("KAITO_ENGINE", ("auto", "transformers"))),
            dtype=cast(
                Dtype, env.choice("KAITO_DTYPE", ("auto", "bfloat16", "float16", "float32"))
            ),
            cpu_bfloat16=has_bfloat16(environ),
            max_model_len=env.get("KAITO_MAX_MODEL_LEN", _positive, "0") or None,
            trust_remote_code=env.choice("KAITO_TRUST_REMOTE_CODE", ("false", "true")) == "true",
            cpu_threads=env.get("KAITO_CPU_THREADS", _positive, "1") or 1,
            kv_cache_bytes=env.get("KAITO_KV_CACHE_BYTES", _positive, "0") or None,
            adapters_dir=env.get("KAITO_ADAPTERS_DIR", Path, "/mnt/adapters"),
            adapter_strengths=env.get("KAITO_ADAPTER_STRENGTHS", _strengths, "{}"),
            default_adapter=env.get("KAITO_DEFAULT_ADAPTER", str, "") or None,
            max_adapters=env.get("KAITO_MAX_ADAPTERS", _positive, "16"),
            max_requests=env.get("KAITO_MAX_REQUESTS", _positive, "256") or 1,
            grpc_port=env.get("KAITO_GRPC_PORT", _port, "29500"),
            metrics_port=env.get("KAITO_METRICS_PORT", _port, "9400"),
            drain_seconds=env.get("KAITO_DRAIN_SECONDS", _seconds, "25"),
            nodes=env.get("KAITO_NODES", _positive, "1"),
            termination_log=env.get("KAITO_TERMINATION_LOG", Path, "/dev/termination-log"),
            workspace=env.get("KAITO_WORKSPACE", str, ""),
            namespace=env.get("KAITO_NAMESPACE", str, ""),
        )


class _Environment:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def get(self, variable: str, parse: Callable[[str], T], default: str | None) -> T:
        value = self._environ.get(variable, default)
        if value is None:
            raise SettingsError(f"{variable} is not set: set it to {parse.__doc__}")
        try:
            return parse(value)
        except ValueError:
            raise SettingsError(f"{variable} = {value!r}: set it to {parse.__doc__}") from None

    def choice(self, variable: str, choices: tuple[str, ...]) -> str:
        value = self._environ.get(variable, choices[0])
        if value not in choices:
            raise SettingsError(f"{variable} = {value!r}: set it to one of {', '.join(choices)}")
        return value


def _name(text: str) -> str:
    """the name that requests ask for the base model by, for example phi-3-mini-4k-instruct"""
    if not text:
        raise ValueError
    return text


def _positive(text: str) -> int:
    """a whole number, 0 or more (0: the built-in choice)"""
    if int(text) < 0:
        raise ValueError
    return int(text)


def _port(text: str) -> int:
    """a port number, 1 to 65535, or 0 for any free one"""
    if not 0 <= int(text) <= 65535:
        raise ValueError
    return int(text)


def _seconds(text: str) -> float:
    """seconds, 0 or more"""
    if not 0 <= float(text) < math.inf:
        raise ValueError
    return float(text)


def _strengths(text: str) -> Mapping[str, float]:
    """a JSON object from adapter names to numbers between 0 and 1, for example {"style": 0.5}"""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError
    strengths = {str(name): float(value) for name, value in found.items()}
    if not all(0 <= value <= 1 for value in strengths.values()):
        raise ValueError
    return strengths
