"""Who may reach the pods that serve a model, and what they may reach."""

from collections.abc import Collection

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner, metadata, with_revision
from workspace_controller.manifests.pods import (
    ADMINISTRATION_PORT,
    GRPC_PORT,
    HTTP_PORT,
    METRICS_PORT,
)
from workspace_controller.manifests.workload import selector
from workspace_controller.settings import Settings

_DNS = 53
# The label that the chart gives to the pods of each service.
_CONTROLLER = {"app.kubernetes.io/component": "workspace-controller"}


def network_policy(
    owner: Owner,
    settings: Settings,
    *,
    downloads: bool,
    spans_nodes: bool,
    registry_ports: Collection[int] = (),
) -> Manifest:
    """The policy of the Workspace's pods that serve.

    Requests and metrics are open, the administration is the controller's alone. The pods have no
    way out, unless the engine `downloads` its model, or the model `spans_nodes`: then they find
    each other by DNS, and talk on ports that the engine chooses. Where adapters are pulled, they
    may reach `registry_ports`, and DNS.
    """
    ingress: list[Manifest] = [
        {"ports": [_port(port) for port in (HTTP_PORT, GRPC_PORT, METRICS_PORT)]},
        {"ports": [_port(ADMINISTRATION_PORT)], "from": [_controller(settings)]},
    ]
    if spans_nodes:
        ingress.append({"from": [{"podSelector": {"matchLabels": selector(owner)}}]})
    needs_way_out = downloads or spans_nodes
    egress: list[Manifest] = []
    if registry_ports and not needs_way_out:
        dns = [_port(_DNS, "UDP"), _port(_DNS)]
        egress = [{"ports": [*dns, *map(_port, sorted(registry_ports))]}]
    spec: Manifest = {
        "podSelector": {"matchLabels": selector(owner)},
        # With Egress among the types and no egress rule, nothing may be reached.
        "policyTypes": ["Ingress"] if needs_way_out else ["Ingress", "Egress"],
        "ingress": ingress,
        **({"egress": egress} if egress else {}),
    }
    return with_revision({"metadata": metadata(owner, owner.name, "inference"), "spec": spec})


def _port(number: int, protocol: str = "TCP") -> Manifest:
    return {"port": number, "protocol": protocol}


def _controller(settings: Settings) -> Manifest:
    """The pods of this release's controller, which may have any name."""
    pods = {"app.kubernetes.io/instance": settings.release_name, **_CONTROLLER}
    namespace = {"kubernetes.io/metadata.name": settings.release_namespace}
    return {
        "namespaceSelector": {"matchLabels": namespace},
        "podSelector": {"matchLabels": pods},
    }
