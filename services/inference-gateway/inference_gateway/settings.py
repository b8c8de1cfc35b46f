"""The gateway's settings, read once from the environment. Every one has a KAITO_ variable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class SettingsError(Exception):
    """A variable, its value, and what it should be."""


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
        """Raises SettingsError."""
        env = _Environment(environ)
        file = env.text("KAITO_BACKENDS_FILE", "")
        settings = cls(
            host=env.text("KAITO_HTTP_HOST", "0.0.0.0"),
            port=env.whole("KAITO_HTTP_PORT", 5000, 0, 65535),
            backend=env.text("KAITO_BACKEND", ""),
            backends_file=Path(file) if file else None,
            namespace=env.text("KAITO_NAMESPACE", ""),
            workspace=env.text("KAITO_WORKSPACE", ""),
            connections_per_backend=env.whole("KAITO_CONNECTIONS_PER_BACKEND", 2, 1, 64),
            log_level=env.one_of("KAITO_LOG_LEVEL", "INFO", _LOG_LEVELS),
            limits=_limits(env),
        )
        if bool(settings.backend) == bool(settings.backends_file):
            raise SettingsError(
                f"KAITO_BACKEND={settings.backend!r} and KAITO_BACKENDS_FILE={file!r}: "
                "set exactly one of them, the first in a model's pod, the second at a front door"
            )
        return settings


_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_DEFAULTS = Limits()


def _limits(env: "_Environment") -> Limits:
    own = _DEFAULTS
    size = 1 << 30
    return Limits(
        max_body_bytes=env.whole("KAITO_MAX_BODY_BYTES", own.max_body_bytes, 1, size),
        max_held_bytes=env.whole("KAITO_MAX_HELD_BYTES", own.max_held_bytes, 1, 64 * size),
        max_concurrency=env.whole("KAITO_MAX_CONCURRENCY", own.max_concurrency, 1, 100_000),
        max_backend_concurrency=env.whole(
            "KAITO_MAX_BACKEND_CONCURRENCY", own.max_backend_concurrency, 1, 100_000
        ),
        request_timeout_s=env.seconds("KAITO_REQUEST_TIMEOUT_S", own.request_timeout_s),
        body_timeout_s=env.seconds("KAITO_BODY_TIMEOUT_S", own.body_timeout_s),
        header_timeout_s=env.seconds("KAITO_HEADER_TIMEOUT_S", own.header_timeout_s),
        max_header_bytes=env.whole("KAITO_MAX_HEADER_BYTES", own.max_header_bytes, 1024, size),
        idle_timeout_s=env.seconds("KAITO_IDLE_TIMEOUT_S", own.idle_timeout_s),
        sse_keep_alive_s=env.seconds("KAITO_SSE_KEEP_ALIVE_S", own.sse_keep_alive_s),
        shutdown_timeout_s=env.seconds("KAITO_SHUTDOWN_TIMEOUT_S", own.shutdown_timeout_s),
    )


@dataclass(frozen=True, slots=True)
class _Environment:
    values: Mapping[str, str]

    def text(self, name: str, default: str) -> str:
        return self.values.get(name, "").strip() or default

    def one_of(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, default).upper()
        if value not in allowed:
            raise SettingsError(f"{name}={value!r}: set one of {', '.join(allowed)}")
        return value

    def whole(self, name: str, default: int, least: int, most: int) -> int:
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise SettingsError(f"{name}={text!r}: set a whole number from {least} to {most}")
        return value

    def seconds(self, name: str, default: float) -> float:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value <= 86400:
            raise SettingsError(f"{name}={text!r}: set seconds, more than 0 and at most 86400")
        return value
