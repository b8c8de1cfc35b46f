"""One connection pool for all calls to ARM."""

import ssl

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport


def transport(ca_file: str) -> AioHttpTransport:
    """Return a transport that trusts `ca_file`, or the system's authorities where it is empty."""
    # Given the path of a CA file, the SDK's own transport builds an SSL context for each call, so
    # no connection is ever reused. A session with one context avoids that.
    trusted = ssl.create_default_context(cafile=ca_file or None)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=True,
    )
    return AioHttpTransport(session=session)
