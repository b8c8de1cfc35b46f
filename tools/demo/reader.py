"""What the documentation leaves to its reader: registry, secret, data set, cluster."""

from collections.abc import Callable
from dataclasses import dataclass

from tools.demo.kubectl import Kubectl


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """`login` opens the registry for the check of the adapter's digest; None leaves that to
    skopeo's own configuration. `pools` names the cloud's agent pools."""

    image: str
    secret: str
    data_url: str
    curl_image: str
    pools: Callable[[], list[str]]
    login: tuple[str, str] | None = None
    plain_http: bool = False


def agent_pools(kubectl: Kubectl) -> list[str]:
    """The pools as the nodes of an AKS cluster name them."""
    nodes = kubectl.items("nodes", "-l", "agentpool")
    return sorted({str(node["metadata"]["labels"]["agentpool"]) for node in nodes})
