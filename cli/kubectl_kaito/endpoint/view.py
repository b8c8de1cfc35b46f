"""The addresses of a Workspace's Service. Pure."""

from pydantic import Field

from kaito_api.condition_types import INFERENCE_READY
from kaito_api.conditions import is_true
from kaito_kube.kinds import Manifest, key_of
from kubectl_kaito.output import View

_LOCAL_PORT = 8080


class EndpointView(View):
    ready: bool = Field(description="Whether the model answers.")
    http: str = Field(description="Inside the cluster: /chat, and the OpenAI API under /v1.")
    grpc: str | None = Field(description="Inside the cluster; null for your own pods.")
    external: str | None = Field(description="Address of the load balancer, where there is one.")
    port_forward: str = Field(description="The command that makes it reachable from here.")
    local: str = Field(description="The address while that command runs.")


def endpoint(workspace: Manifest, service: Manifest) -> EndpointView:
    key, spec = key_of(service), service.get("spec") or {}
    ports = {port.get("name"): port.get("port") for port in spec.get("ports") or ()}
    host = f"{key.name}.{key.namespace}.svc"
    http = ports.get("http", 80)
    return EndpointView(
        ready=is_true(workspace, INFERENCE_READY),
        http=f"http://{host}" if http == 80 else f"http://{host}:{http}",
        grpc=f"{host}:{ports['grpc']}" if "grpc" in ports else None,
        external=_external(service, http),
        port_forward=(
            f"kubectl -n {key.namespace} port-forward service/{key.name} {_LOCAL_PORT}:{http}"
        ),
        local=f"http://127.0.0.1:{_LOCAL_PORT}",
    )


def _external(service: Manifest, port: int) -> str | None:
    balancer = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    for ingress in balancer:
        if address := ingress.get("ip") or ingress.get("hostname"):
            return f"http://{address}" if port == 80 else f"http://{address}:{port}"
    return None
