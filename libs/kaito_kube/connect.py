"""Connects to the API server: with the pod's ServiceAccount, or with a kubeconfig outside a pod."""

from httpx2 import Timeout
from lightkube import AsyncClient, KubeConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.core.exceptions import ConfigError

from kaito_kube.aiohttp_transport import AiohttpTransport
from kaito_kube.clock import SteadyClock
from kaito_kube.lightkube_cluster import LightkubeCluster

# Bounds a request that gets no response; the controllers retry it with backoff.
_TIMEOUT_SECONDS = 20.0


def connect(field_manager: str) -> LightkubeCluster:
    """Opens the cluster of the environment. `field_manager` owns the fields that `apply` sets. Its
    clock has the API server's time.

    Raises:
        ConfigError: there is neither a kubeconfig (KUBECONFIG) nor a ServiceAccount.
    """
    config = KubeConfig.from_env().get()
    if config is None or config.user is None:
        raise ConfigError("the kubeconfig has no current context with a user")
    context = verify_cluster(config.cluster, config.user, config.abs_file)
    clock = SteadyClock()
    client = AsyncClient(
        config,
        field_manager=field_manager,
        timeout=Timeout(_TIMEOUT_SECONDS),
        transport=AiohttpTransport(context, clock),
    )
    return LightkubeCluster(client, clock)
