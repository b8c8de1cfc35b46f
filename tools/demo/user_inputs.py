"""The values that a user of the documentation provides: registry, Secret, dataset, cluster."""

from collections.abc import Callable
from dataclasses import dataclass

from tools.demo.kubectl import Kubectl


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInputs:
    """`login` is for reading the adapter's digest from the registry; None uses skopeo's own
    configuration. `pools` lists the cloud's agent pools.
    """

    image: str
    secret: str
    data_url: str
    curl_image: str
    pools: Callable[[], list[str]]
    login: tuple[str, str] | None = None
    plain_http: bool = False


def agent_pools(kubectl: Kubectl) -> list[str]:
    """The agent pools, from the labels of an AKS cluster's nodes."""
    nodes = kubectl.items("nodes", "-l", "agentpool")
    return sorted({str(node["metadata"]["labels"]["agentpool"]) for node in nodes})
