"""One pool of connections for all calls to ARM."""

import ssl

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport


def transport(ca_file: str) -> AioHttpTransport:
    """Told of an authority's file, the SDK's own transport reads it anew for each call, and so
    opens a connection for each. `ca_file` empty trusts the system's authorities."""
    trusted = ssl.create_default_context(cafile=ca_file or None)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=True,
    )
    return AioHttpTransport(session=session)
