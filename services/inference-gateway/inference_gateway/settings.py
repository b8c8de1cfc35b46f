"""The gateway's settings, read once from the environment. Every one has a KAITO_ variable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kaito_process.environment import Environment, SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may take, and all of them together. Seconds and bytes."""

    max_body_bytes: int = 4 * 1024 * 1024
    max_held_bytes: int = 64 * 1024 * 1024
    max_concurrency: int = 1024
    max_backend_concurrency: int = 512
    request_timeout_s: float = 600.0
    body_timeout_s: float = 30.0
    header_timeout_s: float = 10.0
    max_header_bytes: int = 32 * 1024
    idle_timeout_s: float = 75.0
    sse_keep_alive_s: float = 5.0
    shutdown_timeout_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Exactly one of `backend` (in a model's pod) and `backends_file` (front door) is set."""

    host: str = "0.0.0.0"
    port: int = 5000
    backend: str = ""
    backends_file: Path | None = None
    namespace: str = ""
    workspace: str = ""
    connections_per_backend: int = 2
    log_level: str = "INFO"
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Raises SettingError."""
        env = Environment(environ)
        backend, file = env.text("KAITO_BACKEND", ""), env.text("KAITO_BACKENDS_FILE", "")
        if bool(backend) == bool(file):
            raise SettingError(
                "KAITO_BACKEND",
                backend,
                f"set either it, in a model's pod, or KAITO_BACKENDS_FILE (is {file!r}), "
                "at a front door",
            )
        return cls(
            host=env.text("KAITO_HTTP_HOST", "0.0.0.0"),
            port=env.number("KAITO_HTTP_PORT", 5000, most=65535),
            backend=backend,
            backends_file=Path(file) if file else None,
            namespace=env.text("KAITO_NAMESPACE", ""),
            workspace=env.text("KAITO_WORKSPACE", ""),
            connections_per_backend=env.number("KAITO_CONNECTIONS_PER_BACKEND", 2, least=1),
            log_level=env.choice("KAITO_LOG_LEVEL", _LOG_LEVELS, "info").upper(),
            limits=_limits(env),
        )


_LOG_LEVELS = ("debug", "info", "warning", "error")


def _limits(env: Environment) -> Limits:
    own = Limits()

    def count(name: str, default: int) -> int:
        return env.number(name, default, least=1)

    def seconds(name: str, default: float) -> float:
        return env.seconds(name, int(default)).total_seconds()

    return Limits(
        max_body_bytes=count("KAITO_MAX_BODY_BYTES", own.max_body_bytes),
        max_held_bytes=count("KAITO_MAX_HELD_BYTES", own.max_held_bytes),
        max_concurrency=count("KAITO_MAX_CONCURRENCY", own.max_concurrency),
        max_backend_concurrency=count("KAITO_MAX_BACKEND_CONCURRENCY", own.max_backend_concurrency),
        request_timeout_s=seconds("KAITO_REQUEST_TIMEOUT_S", own.request_timeout_s),
        body_timeout_s=seconds("KAITO_BODY_TIMEOUT_S", own.body_timeout_s),
        header_timeout_s=seconds("KAITO_HEADER_TIMEOUT_S", own.header_timeout_s),
        max_header_bytes=count("KAITO_MAX_HEADER_BYTES", own.max_header_bytes),
        idle_timeout_s=seconds("KAITO_IDLE_TIMEOUT_S", own.idle_timeout_s),
        sse_keep_alive_s=seconds("KAITO_SSE_KEEP_ALIVE_S", own.sse_keep_alive_s),
        shutdown_timeout_s=seconds("KAITO_SHUTDOWN_TIMEOUT_S", own.shutdown_timeout_s),
    )
