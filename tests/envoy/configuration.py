"""Envoy's configuration: one listener for each way of asking the picker. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.inference_gateway.picker_client import DESTINATION, SUBSET

_FILTERS = "type.googleapis.com/envoy.extensions.filters"
_SUBSET_NAMESPACE = "envoy.lb.subset_hint"


@dataclass(frozen=True, slots=True)
class Listener:
    """`subset` is what the listener offers to the picker; None if it offers nothing."""

    port: int
    body_mode: str = "FULL_DUPLEX_STREAMED"
    subset: Sequence[str] | None = None


def configuration(listeners: Sequence[Listener], picker_port: int) -> dict[str, Any]:
    """Requests go to the address that the picker sets, and nowhere without one."""
    pods = {
        "name": "pods",
        "type": "ORIGINAL_DST",
        "lb_policy": "CLUSTER_PROVIDED",
        "original_dst_lb_config": {"use_http_header": True, "http_header_name": DESTINATION},
    }
    http2 = {"@type": _protocols(), "explicit_http_config": {"http2_protocol_options": {}}}
    picker = {
        "name": "picker",
        "typed_extension_protocol_options": {_protocols().rpartition("/")[2]: http2},
        "load_assignment": {
            "cluster_name": "picker",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(picker_port)}}]}],
        },
    }
    return {
        "static_resources": {
            "listeners": [_listener(each) for each in listeners],
            "clusters": [pods, picker],
        }
    }


def _protocols() -> str:
    return "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def _listener(listener: Listener) -> dict[str, Any]:
    filters = [_ext_proc(listener.body_mode), _typed("router", "http.router.v3.Router")]
    if listener.subset is not None:
        hint = {"metadata_namespace": _SUBSET_NAMESPACE, "value": {SUBSET: list(listener.subset)}}
        filters.insert(0, _typed("set_metadata", "http.set_metadata.v3.Config", metadata=[hint]))
    route = {"match": {"prefix": "/"}, "route": {"cluster": "pods", "timeout": "60s"}}
    manager = _typed(
        "http",
        "network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=str(listener.port),
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        http_filters=filters,
    )
    return {"address": _address(listener.port), "filter_chains": [{"filters": [manager]}]}


def _ext_proc(body_mode: str) -> dict[str, Any]:
    # A buffered response would reach nobody before its end.
    response_mode = body_mode if body_mode == "FULL_DUPLEX_STREAMED" else "NONE"
    return _typed(
        "picker",
        "http.ext_proc.v3.ExternalProcessor",
        grpc_service={"envoy_grpc": {"cluster_name": "picker"}},
        message_timeout="60s",
        processing_mode={
            "request_header_mode": "SEND",
            "response_header_mode": "SEND",
            "request_body_mode": body_mode,
            "response_body_mode": response_mode,
            "request_trailer_mode": "SEND",
            "response_trailer_mode": "SEND",
        },
        metadata_options={
            "forwarding_namespaces": {"untyped": [_SUBSET_NAMESPACE]},
            "receiving_namespaces": {"untyped": ["envoy.lb"]},
        },
    )


def _typed(name: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": f"{_FILTERS}.{kind}", **fields}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
