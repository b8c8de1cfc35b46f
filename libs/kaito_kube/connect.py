"""Opens the connection to the API server: inside a pod its ServiceAccount, outside a kubeconfig."""

from httpx2 import Timeout
from lightkube import AsyncClient, KubeConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.core.exceptions import ConfigError

from kaito_kube.aiohttp_transport import AiohttpTransport
from kaito_kube.lightkube_cluster import LightkubeCluster


def connect(field_manager: str) -> LightkubeCluster:
    """`field_manager` owns the fields that `apply` sets. Reads KUBECONFIG or the pod's own
    account; raises lightkube's ConfigError when there is neither."""
    config = KubeConfig.from_env().get()
    if config is None or config.user is None:
        raise ConfigError("the kubeconfig has no current context with a user")
    context = verify_cluster(config.cluster, config.user, config.abs_file)
    return LightkubeCluster(
        AsyncClient(
            config,
            field_manager=field_manager,
            timeout=Timeout(20.0),
            transport=AiohttpTransport(context),
        )
    )
