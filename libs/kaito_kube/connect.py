"""Opens the connection to the API server: inside a pod its ServiceAccount, outside a kubeconfig."""

from httpx2 import Timeout
from lightkube import AsyncClient

from kaito_kube.lightkube_cluster import LightkubeCluster


def connect(field_manager: str) -> LightkubeCluster:
    """`field_manager` owns the fields that `apply` sets. Reads KUBECONFIG or the pod's own
    account; raises lightkube's ConfigError when there is neither."""
    return LightkubeCluster(AsyncClient(field_manager=field_manager, timeout=Timeout(20.0)))
