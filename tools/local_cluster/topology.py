"""The addresses, names and ports of the local cluster."""

from typing import Final

BRIDGE: Final = "kaito0"
HOST: Final = "172.30.0.1"
NODE_RANGE: Final = "172.30.0.0/24"
PREFIX_LENGTH: Final = 24
POD_RANGE: Final = "10.244.0.0/16"
SERVICE_RANGE: Final = "10.96.0.0/16"
API_SERVICE: Final = "10.96.0.1"
DNS_SERVICE: Final = "10.96.0.10"
CLUSTER_DOMAIN: Final = "cluster.local"

API_PORT: Final = 6443
DNS_PORT: Final = 5300
DNS_READY_PORT: Final = 5301
REGISTRY_PORT: Final = 5000
LOGIN_REGISTRY_PORT: Final = 5001
ETCD_PORT: Final = 23790
ETCD_PEER_PORT: Final = 23800
CONTROLLER_MANAGER_PORT: Final = 10257
SCHEDULER_PORT: Final = 10259
PROXY_HEALTH_PORT: Final = 10256
PROXY_METRICS_PORT: Final = 10249
KUBELET_PORT: Final = 10250

API_URL: Final = f"https://{HOST}:{API_PORT}"
REGISTRY: Final = f"{HOST}:{REGISTRY_PORT}"
LOGIN_REGISTRY: Final = f"{HOST}:{LOGIN_REGISTRY_PORT}"
PAUSE_REPOSITORY: Final = "kaito-local/pause"
PAUSE_TAG: Final = "1"
PAUSE_IMAGE: Final = f"{REGISTRY}/{PAUSE_REPOSITORY}:{PAUSE_TAG}"

CGROUP: Final = "kaito-local"
NETNS_PREFIX: Final = "kaito-"
NFT_TABLE: Final = "kaito_local"

# Node addresses end in 10 + index, so 240 of them fit in NODE_RANGE.
MAX_NODES: Final = 240
SYSTEM_NODE: Final = "kaito-system-0"

SUBSCRIPTION: Final = "00000000-0000-0000-0000-000000000001"
RESOURCE_GROUP: Final = "kaito-rg"
CLUSTER_NAME: Final = "kaito-local"
REGION: Final = "eastus"
# As AKS names the group of a cluster's machines.
NODE_RESOURCE_GROUP: Final = f"MC_{RESOURCE_GROUP}_{CLUSTER_NAME}_{REGION}"


def node_address(index: int) -> str:
    return f"172.30.0.{10 + index}"


def pod_range(index: int) -> str:
    return f"10.244.{index}.0/24"


def netns(node: str) -> str:
    return NETNS_PREFIX + node


def veth(index: int) -> str:
    """The host's end of a node's veth pair. The kernel limits interface names to 15 characters."""
    return f"kaito-n{index}"


def cgroup(node: str) -> str:
    """A node's control group, relative to the root of each hierarchy."""
    return f"{CGROUP}/nodes/{node}"
