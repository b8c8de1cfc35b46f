"""The server's settings, read once from the environment."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from kaito_process.cpu import has_bfloat16
from kaito_process.environment import Environment, SettingError
from model_server.startup.cpu_threads import choose_threads

EngineName = Literal["auto", "transformers", "openai", "text-generation-server", "vllm"]
Dtype = Literal["auto", "bfloat16", "float16", "float32"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One field per KAITO_* variable; docs/serving.md describes them."""

    model_path: Path
    model_name: str
    engine: EngineName
    engine_url: str
    engine_model: str
    engine_adapters_dir: Path | None
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
    pulled_adapters_dir: Path | None
    pulled_adapters_wait_seconds: float
    max_requests: int
    grpc_port: int
    metrics_port: int
    administration_port: int
    administration_token_sha256: str
    drain_seconds: float
    measure_seconds: float
    nodes: int
    node_rank: int
    leader: str
    termination_log: Path
    workspace: str
    namespace: str
    log_level: str

    @property
    def workspace_key(self) -> str:
        """The log field "workspace": namespace/name, or empty outside a Workspace's pod."""
        return "/".join(part for part in (self.namespace, self.workspace) if part)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads every variable.

        Raises:
            SettingError: a variable is missing or unusable.
        """
        env = Environment(environ)
        engines: tuple[EngineName, ...] = get_args(EngineName)
        dtypes: tuple[Dtype, ...] = get_args(Dtype)
        return cls(
            model_path=env.path("KAITO_MODEL_PATH", "/mnt/model"),
            model_name=env.text("KAITO_MODEL_NAME"),
            engine=env.choice("KAITO_ENGINE", engines, "auto"),
            engine_url=env.text("KAITO_ENGINE_URL", "http://127.0.0.1:8000"),
            engine_model=env.text("KAITO_ENGINE_MODEL", ""),
            engine_adapters_dir=_optional_path(env.text("KAITO_ENGINE_ADAPTERS_DIR", "")),
            dtype=env.choice("KAITO_DTYPE", dtypes, "auto"),
            cpu_bfloat16=has_bfloat16(environ),
            # In these settings 0 leaves the choice to the server.
            max_model_len=env.integer("KAITO_MAX_MODEL_LEN", 0) or None,
            trust_remote_code=env.flag("KAITO_TRUST_REMOTE_CODE", False),
            cpu_threads=env.integer("KAITO_CPU_THREADS", 0) or choose_threads(),
            kv_cache_bytes=env.integer("KAITO_KV_CACHE_BYTES", 0, maximum=2**60) or None,
            adapters_dir=env.path("KAITO_ADAPTERS_DIR", "/mnt/adapters"),
            adapter_strengths=env.parsed("KAITO_ADAPTER_STRENGTHS", _strengths, "{}"),
            default_adapter=env.text("KAITO_DEFAULT_ADAPTER", "") or None,
            max_adapters=env.integer("KAITO_MAX_ADAPTERS", 16),
            pulled_adapters_dir=_optional_path(env.text("KAITO_PULLED_ADAPTERS_DIR", "")),
            pulled_adapters_wait_seconds=env.seconds("KAITO_PULLED_ADAPTERS_WAIT_SECONDS", 0),
            max_requests=env.integer("KAITO_MAX_REQUESTS", 256) or 1,
            grpc_port=env.port("KAITO_GRPC_PORT", 29500),
            metrics_port=env.port("KAITO_METRICS_PORT", 9400),
            administration_port=env.port("KAITO_ADMINISTRATION_PORT", 29501),
            administration_token_sha256=_token_sha256(env),
            # The controller sets it from the pod's grace period; this is for a server by hand.
            drain_seconds=env.seconds("KAITO_DRAIN_SECONDS", 25),
            measure_seconds=env.seconds("KAITO_MEASURE_SECONDS", 2),
            nodes=env.integer("KAITO_NODES", 1),
            node_rank=env.integer("KAITO_NODE_RANK", 0),
            leader=env.text("KAITO_LEADER", ""),
            termination_log=env.path("KAITO_TERMINATION_LOG", "/dev/termination-log"),
            workspace=env.text("KAITO_WORKSPACE", ""),
            namespace=env.text("KAITO_NAMESPACE", ""),
            log_level=env.log_level("KAITO_LOG_LEVEL"),
        )


def _token_sha256(env: Environment) -> str:
    """The digest of the administration's token, in hexadecimal digits; empty for none.

    Raises:
        SettingError: it is no digest. The message leaves the value out, which may be the token.
    """
    name = "KAITO_ADMINISTRATION_TOKEN_SHA256"
    value = env.text(name, "")
    if value and not re.fullmatch(r"[0-9a-f]{64}", value):
        remedy = "set the SHA-256 of the token, as 64 digits of 0-9 and a-f, or nothing"
        raise SettingError(name, f"({len(value)} characters)", remedy)
    return value


def _optional_path(text: str) -> Path | None:
    return Path(text) if text else None


def _strengths(text: str) -> Mapping[str, float]:
    """The strength of each adapter, from a JSON object.

    Raises:
        ValueError: the remedy, as Environment.parsed expects it.
    """
    remedy = 'set a JSON object of numbers between 0 and 1, for example {"style": 0.5}'
    try:
        content = json.loads(text)
        strengths = {str(name): float(value) for name, value in content.items()}
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ValueError(remedy) from None
    if not all(0 <= value <= 1 for value in strengths.values()):
        raise ValueError(remedy)
    return strengths
