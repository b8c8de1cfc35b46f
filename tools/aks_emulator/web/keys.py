"""The seam to the public keys with which a cluster signs its service account tokens."""

import asyncio
from collections.abc import Mapping
from typing import Any, Protocol

import jwt

from tools.local_cluster.control_plane.kube_api import KubeApi
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.paths import Paths


class KeysUnreachable(Exception):
    """The cluster could not be asked for its keys; the text says why."""


class Keys(Protocol):
    async def find(self, kid: str | None) -> Mapping[str, Any] | None:
        """The keys by id, with `kid` among them if the cluster has it; None checks nothing.

        Raises KeysUnreachable."""


class NoKeys:
    """Signatures aren't checked: for use without a cluster."""

    async def find(self, kid: str | None) -> Mapping[str, Any] | None:
        return None


class LocalClusterKeys:
    """Asks the local cluster, again only when a key id is new: the cluster may have been remade."""

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
            raise KeysUnreachable(str(error)) from error
        keys = (jwt.PyJWK(row) for row in document["keys"])
        return {key.key_id: key for key in keys if key.key_id is not None}
