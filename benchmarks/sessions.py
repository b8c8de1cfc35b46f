"""HTTP sessions at servers of this machine."""

import ssl
from pathlib import Path

import aiohttp

from tools.local_cluster.pki import certificates


def session(url: str, tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """A proxy that the environment names is not asked: everything is on loopback."""
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    patience = aiohttp.ClientTimeout(total=None, sock_connect=30)
    return aiohttp.ClientSession(url, connector=connector, timeout=patience)


def admin_tls(pki: Path) -> ssl.SSLContext:
    admin = certificates.pair(pki, "admin")
    context = ssl.create_default_context(cafile=str(certificates.pair(pki, certificates.CA).cert))
    context.load_cert_chain(admin.cert, admin.key)
    return context
