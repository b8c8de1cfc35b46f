"""Renders kubeconfig files as JSON, which is YAML too, so no YAML library is needed."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from tools.local_cluster import topology
from tools.local_cluster.pki import certificates


def render(pki: Path, user: str, url: str = topology.API_URL) -> str:
    """A kubeconfig with the user's certificate and key embedded."""
    files = certificates.pair(pki, user)
    credentials = {
        "client-certificate-data": _encoded(files.cert),
        "client-key-data": _encoded(files.key),
    }
    return _rendered(pki, user, credentials, url)


def render_token(pki: Path, user: str, token: str, url: str) -> str:
    """A kubeconfig with a ServiceAccount's token."""
    return _rendered(pki, user, {"token": token}, url)


def _rendered(pki: Path, user: str, credentials: Mapping[str, str], url: str) -> str:
    name = topology.CLUSTER_NAME
    cluster = {
        "server": url,
        "certificate-authority-data": _encoded(certificates.pair(pki, certificates.CA).cert),
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
            "current-context": name,
        },
        indent=1,
    )


def write(path: Path, pki: Path, user: str, url: str = topology.API_URL) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(render(pki, user, url))
    return path


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
