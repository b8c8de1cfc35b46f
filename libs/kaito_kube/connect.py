"""Connects to the API server: with the pod's ServiceAccount, or with a kubeconfig outside a pod."""

import os

from httpx2 import Timeout
from lightkube import AsyncClient, KubeConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.core.exceptions import ConfigError
from yaml import YAMLError

from kaito_kube.aiohttp_transport import AiohttpTransport
from kaito_kube.clock import SteadyClock
from kaito_kube.lightkube_cluster import LightkubeCluster
from kaito_process.environment import SettingError

# Bounds a request that gets no response; the controllers retry it with backoff.
_TIMEOUT_SECONDS = 20.0
# A kubeconfig is whatever a user has: no YAML, without a field, with files that do not exist.
_UNUSABLE = (
    ConfigError, YAMLError, OSError, LookupError, AttributeError, TypeError, ValueError,
)  # fmt: skip


def connect(field_manager: str) -> LightkubeCluster:
    """Opens the cluster of the environment. `field_manager` owns the fields that `apply` sets. Its
    clock has the API server's time.

    Raises:
        SettingError: there is neither a ServiceAccount nor a kubeconfig that can be used.
    """
    try:
        config = KubeConfig.from_env().get()
        if config is None or config.user is None:
            raise ConfigError("it has no current context with a user")
        context = verify_cluster(config.cluster, config.user, config.abs_file)
    except _UNUSABLE as error:
        remedy = (
            "run in a pod with a ServiceAccount, or name a kubeconfig whose current context "
            f"`kubectl get nodes` can use ({type(error).__name__}: {error})"
        )
        raise SettingError("KUBECONFIG", os.environ.get("KUBECONFIG"), remedy) from error
    clock = SteadyClock()
    client = AsyncClient(
        config,
        field_manager=field_manager,
        timeout=Timeout(_TIMEOUT_SECONDS),
        transport=AiohttpTransport(context, clock),
    )
    return LightkubeCluster(client, clock)
