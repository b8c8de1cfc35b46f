"""A minimal Kubernetes API client on the standard library alone."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.local_cluster import topology
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.pki import certificates

MERGE: Final = "application/merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"


class ApiError(ClusterError):
    """The API server rejected a request; `status` is 0 if it could not be reached."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class KubeApi:
    """Calls the API server as the cluster's administrator.

    Every method but `is_ready` raises ApiError.
    """

    def __init__(self, pki: Path, url: str = topology.API_URL) -> None:
        self._url = url
        admin = certificates.pair(pki, "admin")
        context = ssl.create_default_context(
            cafile=str(certificates.pair(pki, certificates.CA).cert)
        )
        context.load_cert_chain(admin.cert, admin.key)
        # A proxy from the environment cannot reach the cluster's addresses.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def is_ready(self) -> bool:
        try:
            return self._call("GET", "/readyz") == b"ok"
        except ApiError:
            return False

    def cluster_uid(self) -> str:
        """The cluster's identity, which changes whenever the cluster is recreated."""
        return str(self.get("/api/v1/namespaces/kube-system")["metadata"]["uid"])

    def get(self, path: str) -> dict[str, Any]:
        return _parsed(self._call("GET", path))

    def create(self, path: str, manifest: Mapping[str, object]) -> dict[str, Any]:
        """Create an object and return it as stored."""
        return _parsed(self._call("POST", path, json.dumps(manifest), "application/json"))

    def merge(self, path: str, change: Mapping[str, object]) -> None:
        self._call("PATCH", path, json.dumps(change), MERGE)

    def apply(self, path: str, manifest: Mapping[str, object]) -> None:
        """Server-side apply of one object at its own path."""
        query = "?fieldManager=kaito-local&force=true"
        self._call("PATCH", path + query, json.dumps(manifest), APPLY)

    def delete(self, path: str) -> None:
        """Delete the object if it exists."""
        try:
            self._call("DELETE", path)
        except ApiError as error:
            if error.status != 404:
                raise

    def _call(self, method: str, path: str, body: str | None = None, kind: str = "") -> bytes:
        request = urllib.request.Request(self._url + path, method=method)
        if body is not None:
            request.data = body.encode()
            request.add_header("Content-Type", kind)
        try:
            with self._opener.open(request, timeout=15) as response:
                answer: bytes = response.read()
                return answer
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, f"{method} {path}: {_reason(error)}") from error
        except OSError as error:
            raise ApiError(0, f"{method} {path}: {error}") from error


def _parsed(body: bytes) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(body)
    return value


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read().decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {text[:300]}"


def condition(node: Mapping[str, Any], kind: str) -> Mapping[str, str]:
    """A Node's condition of one type; its status is `Unknown` if the Node does not have it."""
    conditions: Sequence[Mapping[str, str]] = node.get("status", {}).get("conditions", ())
    return next((c for c in conditions if c["type"] == kind), {"status": "Unknown"})
