"""HTTP sessions with servers on this machine."""

import ssl
from pathlib import Path

import aiohttp

from tools.local_cluster.pki import certificates


def session(url: str, tls: ssl.SSLContext) -> aiohttp.ClientSession:
    """Ignores the environment's proxies, because every server is on loopback."""
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    # No total: a watch lasts as long as the benchmark.
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=30)
    return aiohttp.ClientSession(url, connector=connector, timeout=timeout)


def admin_tls(pki: Path) -> ssl.SSLContext:
    """Signs in by the client certificate of the local cluster's administrator."""
    admin = certificates.pair(pki, "admin")
    context = ssl.create_default_context(cafile=str(certificates.pair(pki, certificates.CA).cert))
    context.load_cert_chain(admin.cert, admin.key)
    return context
