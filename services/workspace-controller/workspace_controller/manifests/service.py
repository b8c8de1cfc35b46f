"""The Service of a Workspace (80 for HTTP, 29500 for gRPC), and the headless one."""

from dataclasses import dataclass

from kaito_api import labels
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner, Role, metadata, with_revision
from workspace_controller.manifests.pods import GRPC_PORT, HTTP_PORT
from workspace_controller.manifests.spread import COMPLETION_INDEX, FIRST_INDEX
from workspace_controller.manifests.tuning_nodes import tuning_selector
from workspace_controller.manifests.workload import headless_name, selector

_HTTP = {"name": "http", "port": 80, "targetPort": HTTP_PORT, "protocol": "TCP"}
_GRPC = {"name": "grpc", "port": GRPC_PORT, "targetPort": GRPC_PORT, "protocol": "TCP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """`training`: TuningService answers although the pod is not ready.

    `first_pod_only`: only the leader of a StatefulSet answers, or the first pod of a Job.
    `http_port` is the port of the user's own pods; None for the two ports of a preset.
    """

    owner: Owner
    training: bool = False
    load_balancer: bool = False
    first_pod_only: bool = False
    http_port: int | None = None


def service(exposure: Exposure) -> Manifest:
    owner = exposure.owner
    # Not the pod that checks the data: nothing answers in it.
    role: Role = "tuning" if exposure.training else "inference"
    pods = {labels.WORKSPACE: owner.name, labels.ROLE: role}
    if exposure.first_pod_only and exposure.training:
        pods[COMPLETION_INDEX] = FIRST_INDEX
    elif exposure.first_pod_only:
        pods["statefulset.kubernetes.io/pod-name"] = f"{owner.name}-0"
    return with_revision(
        {
            "metadata": metadata(owner, owner.name),
            "spec": {
                "type": "LoadBalancer" if exposure.load_balancer else "ClusterIP",
                "selector": pods,
                "publishNotReadyAddresses": exposure.training,
                "ports": service_ports(exposure.http_port),
            },
        }
    )


def service_ports(http_port: int | None) -> list[Manifest]:
    """Those of a preset, or the one of the user's own pods."""
    return [_HTTP, _GRPC] if http_port is None else [{**_HTTP, "targetPort": http_port}]


def headless_service(owner: Owner, *, training: bool = False) -> Manifest:
    """Of a model that spans nodes, or of a training that does."""
    pods = tuning_selector(owner) if training else selector(owner)
    return with_revision(
        {
            "metadata": metadata(
                owner, headless_name(owner), "tuning" if training else "inference"
            ),
            "spec": {
                "clusterIP": "None",
                # The pods find each other by name before any of them is ready.
                "publishNotReadyAddresses": True,
                "selector": pods,
                "ports": [_GRPC],
            },
        }
    )
