"""The public keys that verify a cluster's service account tokens."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import jwt

from tools.local_cluster.control_plane.kube_api import KubeApi
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.paths import Paths


class KeysUnavailable(Exception):
    """The cluster's keys could not be fetched; the message says why."""


class Keys(Protocol):
    async def find(self, kid: str | None) -> Mapping[str, Any] | None:
        """The keys by id, including `kid` if the cluster has it; None skips the signature check.

        Raises:
            KeysUnavailable: the keys could not be fetched.
        """


class NoKeys:
    """Skips the signature check, for use without a cluster."""

    async def find(self, kid: str | None) -> Mapping[str, Any] | None:
        return None


class LocalClusterKeys:
    """Caches the local cluster's keys. An unknown id means a new fetch: the cluster may be new."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._known: Mapping[str, Any] = {}

    async def find(self, kid: str | None) -> Mapping[str, Any] | None:
        if kid not in self._known:
            self._known = await asyncio.to_thread(self._fetch)
        return self._known

    def _fetch(self) -> Mapping[str, Any]:
        try:
            document = KubeApi(self._paths.pki).get("/openid/v1/jwks")
        except (ClusterError, OSError, ValueError) as error:
            raise KeysUnavailable(str(error)) from error
        keys = (jwt.PyJWK(row) for row in document["keys"])
        return {key.key_id: key for key in keys if key.key_id is not None}
