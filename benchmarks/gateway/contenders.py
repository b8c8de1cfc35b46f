"""What is compared: each is one process on loopback that answers POST /v1/chat/completions.

The gateway and the bare relay ask a model-server over gRPC. nginx, Envoy and LiteLLM ask an HTTP
server that sends the same events at the same pace; so does the client for `direct`.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gateway import programs
from benchmarks.process import free_port

GATEWAY, BARE, LITELLM, DIRECT = "gateway", "bare relay", "litellm", "direct"


@dataclass(frozen=True, slots=True)
class Upstreams:
    """The ports of the two servers behind the contenders."""

    grpc: int
    http: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """How to start one of them."""

    name: str
    port: int
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1/chat/completions"

    @property
    def live_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/livez" if self.name == GATEWAY else ""


Prepare = Callable[[Upstreams, Path], Contender]


def gateway(upstreams: Upstreams, folder: Path) -> Contender:
    """As in a model's pod, with room for 2,000 streams: its own limit is 1,024 requests."""
    port = free_port()
    environ = {
        "KAITO_BACKEND": f"127.0.0.1:{upstreams.grpc}",
        "KAITO_HTTP_HOST": "127.0.0.1",
        "KAITO_HTTP_PORT": str(port),
        "KAITO_MAX_CONCURRENCY": "4096",
        "KAITO_MAX_BACKEND_CONCURRENCY": "4096",
    }
    argv = (sys.executable, "-m", "inference_gateway")
    return Contender(name=GATEWAY, port=port, argv=argv, environ=environ)


def bare_relay(upstreams: Upstreams, folder: Path) -> Contender:
    port = free_port()
    argv = (
        *(sys.executable, "-m", "uvicorn", "benchmarks.gateway.relay:application"),
        *("--port", str(port), "--loop", "uvloop", "--log-level", "warning"),
    )
    environ = {"MODEL_SERVER": f"127.0.0.1:{upstreams.grpc}"}
    return Contender(name=BARE, port=port, argv=argv, environ=environ)


def nginx(upstreams: Upstreams, folder: Path) -> Contender:
    port, config = free_port(), folder / "nginx.conf"
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr warn;"
        "worker_rlimit_nofile 16384; events { worker_connections 8192; }"
        f"http {{ access_log off; {temporary}"
        f" upstream model {{ server 127.0.0.1:{upstreams.http}; keepalive 2048; }}"
        f" server {{ listen 127.0.0.1:{port} backlog=4096; keepalive_requests 1000000;"
        " location / { proxy_pass http://model; proxy_buffering off; proxy_http_version 1.1;"
        ' proxy_set_header Connection ""; } } }'
    )
    argv = (str(programs.nginx()), "-c", str(config), "-e", "stderr")
    return Contender(name="nginx", port=port, argv=argv)


def envoy(upstreams: Upstreams, folder: Path) -> Contender:
    port, config = free_port(), folder / "envoy.json"
    manager = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    router = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
    route = {"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "0s"}}
    filters = {
        "@type": f"{manager}.HttpConnectionManager",
        "stat_prefix": "all",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": router}}],
    }
    # Far above what a run has open; Envoy's own limit is 1,024.
    limit = {"max_connections": 8192, "max_requests": 8192, "max_pending_requests": 8192}
    listener = {
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": "http", "typed_config": filters}]}],
    }
    cluster = {
        "name": "model",
        "circuit_breakers": {"thresholds": [limit]},
        "load_assignment": {
            "cluster_name": "model",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(upstreams.http)}}]}],
        },
    }
    config.write_text(
        json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}})
    )
    argv = (
        *(str(programs.envoy()), "-c", str(config), "--concurrency", "1"),
        *("--use-dynamic-base-id", "--log-level", "error"),
    )
    return Contender(name="envoy", port=port, argv=argv)


def litellm(upstreams: Upstreams, folder: Path) -> Contender:
    port, config = free_port(), folder / "litellm.json"
    model = {
        "model": "openai/m",
        "api_base": f"http://127.0.0.1:{upstreams.http}/v1",
        "api_key": "none",
    }
    # YAML reads JSON.
    config.write_text(json.dumps({"model_list": [{"model_name": "m", "litellm_params": model}]}))
    argv = (
        *(str(programs.litellm()), "--config", str(config)),
        *("--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"),
    )
    environ = {
        # Its table of prices would come from the internet, and a line per request costs time.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
        # The gateway has no keys either.
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
        "PYTHONPATH": "",
    }
    return Contender(name=LITELLM, port=port, argv=argv, environ=environ)


PREPARE: Mapping[str, Prepare] = {
    GATEWAY: gateway,
    BARE: bare_relay,
    "nginx": nginx,
    "envoy": envoy,
    LITELLM: litellm,
}


def _address(port: int) -> dict[str, object]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
