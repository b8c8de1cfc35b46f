"""The Secret with the key that the tokens for model-servers are made of.

The first replica to look creates it. It is never replaced: another key would restart all models.
"""

import base64
import logging
import secrets
from collections.abc import Callable

from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, ClusterError, NotFound
from kaito_kube.kinds import SECRET, Manifest
from kaito_process.retry import retry_until_done
from workspace_controller.settings import Settings

logger = logging.getLogger(__name__)
_FIELD = "key"
_KEY_BYTES = 32


async def wait_for_key(cluster: Cluster, settings: Settings) -> str:
    """The key, once the API server has answered."""
    return await retry_until_done(
        lambda: read_or_create(cluster, settings),
        ClusterError,
        "read or create the administration key",
        logger,
    )


async def read_or_create(
    cluster: Cluster, settings: Settings, generate: Callable[[int], str] = secrets.token_hex
) -> str:
    """The key of this release; empty where a Secret of that name holds none.

    Raises:
        ClusterError: the Secret could not be read or created.
    """
    # The chart's Role lets the controller read this name.
    name, namespace = f"{settings.lease_name}-administration", settings.release_namespace
    try:
        return _read(await cluster.get(SECRET, name, namespace))
    except NotFound:
        pass
    key = generate(_KEY_BYTES)
    data = {_FIELD: base64.b64encode(key.encode()).decode()}
    metadata = {"name": name, "namespace": namespace}
    try:
        await cluster.create(SECRET, {"metadata": metadata, "data": data})
    except AlreadyExists:
        # Another replica was faster.
        return _read(await cluster.get(SECRET, name, namespace))
    return key


def _read(secret: Manifest) -> str:
    try:
        return base64.b64decode(secret["data"][_FIELD]).decode()
    except (KeyError, TypeError, ValueError):
        name = secret["metadata"]["name"]
        logger.error("Secret %s holds no key: adapters cannot be administered; delete it", name)
        return ""
