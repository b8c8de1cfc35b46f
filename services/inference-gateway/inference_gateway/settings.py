"""The gateway's settings, read once from the environment; docs/http-api.md describes them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from inference_gateway.endpoints.address import is_target
from inference_gateway.keys.key_settings import KeySettings
from kaito_process.environment import Environment, SettingError

# Browsers send the host in lower case.
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[^/\sA-Z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on each request, and on all requests together."""

    max_body_bytes: int = 4 * 1024 * 1024
    # 16 bodies of the largest size; most are far smaller.
    max_held_bytes: int = 64 * 1024 * 1024
    max_concurrency: int = 1024
    # A hard limit above the share that admission leaves to one model-server of several.
    max_backend_concurrency: int = 512
    request_timeout_seconds: float = 600.0
    # Longer than the prefill of a long prompt behind a full batch, far shorter than an answer.
    first_token_timeout_seconds: float = 120.0
    # Longer than a small model takes to restart, shorter than clients commonly wait. A larger model
    # needs more; the time limit of the request holds in any case.
    hold_seconds: float = 60.0
    body_timeout_seconds: float = 30.0
    header_timeout_seconds: float = 10.0
    max_header_bytes: int = 32 * 1024
    idle_timeout_seconds: float = 75.0
    sse_keep_alive_seconds: float = 5.0
    # Chart and controller set it from the pod's grace period; this is for a gateway by hand.
    shutdown_timeout_seconds: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Exactly one of `backend` (sidecar) and `backends_file` (front door) is set.

    One field per KAITO_* variable. `demand_address` is where a front door reports the requests of
    each model: the host and the port of workspace-controller. Empty to report nothing.
    """

    host: str = "0.0.0.0"
    port: int = 5000
    backend: str = ""
    backends_file: Path | None = None
    demand_address: str = ""
    namespace: str = ""
    workspace: str = ""
    cors_origins: tuple[str, ...] = ()
    # More cost CPU: tokens of many streams that arrive together are read together.
    connections_per_backend: int = 1
    # 0 turns the endpoint picker off.
    picker_port: int = 0
    picker_target_port: int = 5000
    log_level: str = "info"
    limits: Limits = field(default_factory=Limits)
    keys: KeySettings | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Reads every variable.

        Raises:
            SettingError: a variable is missing or unusable.
        """
        env = Environment(environ)
        backend, file = env.text("KAITO_BACKEND", ""), env.text("KAITO_BACKENDS_FILE", "")
        if bool(backend) == bool(file):
            raise SettingError(
                "KAITO_BACKEND",
                backend,
                "set exactly one of KAITO_BACKEND (in a model's pod) and KAITO_BACKENDS_FILE "
                f"(at a front door), which is {file!r}",
            )
        picker_port = env.port("KAITO_PICKER_PORT", 0)
        port = env.port("KAITO_HTTP_PORT", 5000)
        if picker_port and picker_port == port:
            remedy = "it is KAITO_HTTP_PORT as well; set another port, or 0 for no endpoint picker"
            raise SettingError("KAITO_PICKER_PORT", str(picker_port), remedy)
        return cls(
            host=env.text("KAITO_HTTP_HOST", "0.0.0.0"),
            port=port,
            backend=_address(backend),
            backends_file=Path(file) if file else None,
            demand_address=_demand_address(env, is_front_door=bool(file)),
            namespace=env.text("KAITO_NAMESPACE", ""),
            workspace=env.text("KAITO_WORKSPACE", ""),
            cors_origins=_cors_origins(env),
            picker_port=picker_port,
            picker_target_port=env.port("KAITO_PICKER_TARGET_PORT", 5000),
            connections_per_backend=env.integer("KAITO_CONNECTIONS_PER_BACKEND", 1, minimum=1),
            log_level=env.log_level("KAITO_LOG_LEVEL"),
            limits=_limits(env),
            keys=KeySettings.from_env(env),
        )


def _address(backend: str) -> str:
    """The address, as it is; empty at a front door.

    Raises:
        SettingError: it is no host and port; a connection to it would be tried without end.
    """
    if backend and not is_target(backend):
        remedy = "set the host and the port of gRPC, for example localhost:29500"
        raise SettingError("KAITO_BACKEND", backend, remedy)
    return backend


def _demand_address(env: Environment, *, is_front_door: bool) -> str:
    """The address of the controller, or none.

    Raises:
        SettingError: it is no host and port, or it is set in a model's pod, whose requests the
            front door counts.
    """
    name = "KAITO_DEMAND_ADDRESS"
    address = env.text(name, "")
    if address and not is_front_door:
        raise SettingError(name, address, "set it at a front door only, or leave it out")
    if address and not is_target(address):
        remedy = "set the host and the port, for example kaito-demand:9090"
        raise SettingError(name, address, remedy)
    return address


def _cors_origins(env: Environment) -> tuple[str, ...]:
    """The origins whose pages may call the gateway.

    Raises:
        SettingError: one of them is not what a browser sends, and would never match.
    """
    name = "KAITO_CORS_ORIGINS"
    origins = env.comma_separated(name)
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            remedy = "set *, or origins without a path, for example https://chat.example.com:8443"
            raise SettingError(name, origin, remedy)
    return origins


def _limits(env: Environment) -> Limits:
    defaults = Limits()

    def count(name: str, default: int) -> int:
        return env.integer(name, default, minimum=1)

    def seconds(name: str, default: float) -> float:
        return env.seconds(name, default, minimum=1)

    return Limits(
        max_body_bytes=count("KAITO_MAX_BODY_BYTES", defaults.max_body_bytes),
        max_held_bytes=count("KAITO_MAX_HELD_BYTES", defaults.max_held_bytes),
        max_concurrency=count("KAITO_MAX_CONCURRENCY", defaults.max_concurrency),
        max_backend_concurrency=count(
            "KAITO_MAX_BACKEND_CONCURRENCY", defaults.max_backend_concurrency
        ),
        request_timeout_seconds=seconds(
            "KAITO_REQUEST_TIMEOUT_SECONDS", defaults.request_timeout_seconds
        ),
        first_token_timeout_seconds=seconds(
            "KAITO_FIRST_TOKEN_TIMEOUT_SECONDS", defaults.first_token_timeout_seconds
        ),
        hold_seconds=env.seconds("KAITO_HOLD_SECONDS", defaults.hold_seconds),
        body_timeout_seconds=seconds("KAITO_BODY_TIMEOUT_SECONDS", defaults.body_timeout_seconds),
        header_timeout_seconds=seconds(
            "KAITO_HEADER_TIMEOUT_SECONDS", defaults.header_timeout_seconds
        ),
        max_header_bytes=count("KAITO_MAX_HEADER_BYTES", defaults.max_header_bytes),
        idle_timeout_seconds=seconds("KAITO_IDLE_TIMEOUT_SECONDS", defaults.idle_timeout_seconds),
        sse_keep_alive_seconds=seconds(
            "KAITO_SSE_KEEP_ALIVE_SECONDS", defaults.sse_keep_alive_seconds
        ),
        shutdown_timeout_seconds=seconds(
            "KAITO_SHUTDOWN_TIMEOUT_SECONDS", defaults.shutdown_timeout_seconds
        ),
    )
