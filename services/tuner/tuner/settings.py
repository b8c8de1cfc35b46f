"""What the environment tells the tuner. Read once, in `__main__`."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from kaito_process.cpu import has_bfloat16
from kaito_process.environment import SettingError

Value = TypeVar("Value")


class Method(StrEnum):
    """How a model is tuned. QLoRA is LoRA over a base model held in 4 or 8 bits."""

    LORA = "lora"
    QLORA = "qlora"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One run's surroundings. Directories are absolute paths inside the container."""

    workspace: str
    namespace: str
    base_model: str
    method: Method
    data_urls: tuple[str, ...]
    data_dir: Path
    model_path: Path
    config_file: Path
    results_dir: Path
    output_image: str
    push_secret_file: Path
    push_secret_name: str
    insecure_registries: frozenset[str]
    grpc_port: int
    allow_private_data_hosts: bool
    max_data_bytes: int
    target_modules: tuple[str, ...]
    checkpoint_seconds: float
    termination_log: Path
    cpu_bfloat16: bool

    @property
    def name(self) -> str:
        """ "<namespace>/<workspace>", as TuningService and the logs call the run."""
        return f"{self.namespace}/{self.workspace}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """The settings that `environ` gives.

        Errors: SettingError for the first variable that cannot be used.
        """
        read = _Reader(environ)
        return cls(
            workspace=read("KAITO_WORKSPACE", "local", _text),
            namespace=read("KAITO_NAMESPACE", "default", _text),
            base_model=read("KAITO_BASE_MODEL", "", str.strip),
            method=read("KAITO_METHOD", "lora", _method),
            data_urls=read("KAITO_DATA_URLS", "[]", _urls),
            data_dir=read("KAITO_DATA_DIR", "/mnt/data", Path),
            model_path=read("KAITO_MODEL_PATH", "/mnt/model", Path),
            config_file=read("KAITO_CONFIG_FILE", "/mnt/config/training_config.yaml", Path),
            results_dir=read("KAITO_RESULTS_DIR", "/mnt/results", Path),
            output_image=read("KAITO_OUTPUT_IMAGE", "", str.strip),
            push_secret_file=read(
                "KAITO_PUSH_SECRET_FILE", "/mnt/push-secret/.dockerconfigjson", Path
            ),
            push_secret_name=read("KAITO_PUSH_SECRET_NAME", "", str.strip),
            insecure_registries=read(
                "KAITO_INSECURE_REGISTRIES", "", lambda v: frozenset(_list(v))
            ),
            grpc_port=read("KAITO_GRPC_PORT", "29500", _port),
            allow_private_data_hosts=read("KAITO_ALLOW_PRIVATE_DATA_HOSTS", "false", _flag),
            max_data_bytes=read("KAITO_MAX_DATA_BYTES", str(20 * 2**30), _positive_int),
            target_modules=read("DEFAULT_TARGET_MODULES", "", _list),
            checkpoint_seconds=read("KAITO_CHECKPOINT_SECONDS", "5", _positive),
            termination_log=read("KAITO_TERMINATION_LOG", "/dev/termination-log", Path),
            cpu_bfloat16=has_bfloat16(environ),
        )


@dataclass(frozen=True, slots=True)
class _Reader:
    environ: Mapping[str, str]

    def __call__(self, variable: str, default: str, parse: Callable[[str], Value]) -> Value:
        value = self.environ.get(variable, default)
        try:
            return parse(value)
        except ValueError as error:
            raise SettingError(variable, value, str(error)) from None


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("it must not be empty")
    return value.strip()


def _method(value: str) -> Method:
    try:
        return Method(value.strip().lower())
    except ValueError:
        raise ValueError("use lora or qlora") from None


def _urls(value: str) -> tuple[str, ...]:
    try:
        urls = json.loads(value or "[]")
    except json.JSONDecodeError:
        urls = None
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise ValueError('use a JSON list of strings, for example ["https://host/data.parquet"]')
    return tuple(urls)


def _list(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _flag(value: str) -> bool:
    known = {
        "true": True,
        "1": True,
        "yes": True,
        "false": False,
        "0": False,
        "no": False,
        "": False,
    }
    try:
        return known[value.strip().lower()]
    except KeyError:
        raise ValueError("use true or false") from None


def _port(value: str) -> int:
    number = _int(value)
    if not 0 <= number <= 65535:
        raise ValueError("use a port from 1 to 65535, or 0 for any free one")
    return number


def _positive_int(value: str) -> int:
    number = _int(value)
    if number <= 0:
        raise ValueError("use a whole number above 0")
    return number


def _int(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError("use a whole number") from None


def _positive(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError("use a number above 0")
    return number
