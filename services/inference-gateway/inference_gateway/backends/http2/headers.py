"""Headers of gRPC calls as HTTP/2 sends them. Pure.

Neither side remembers headers of earlier calls (the table has size 0, see RFC 7541), so the same
headers are the same bytes in every call: each set is encoded and decoded once.
"""

import math
from collections.abc import Mapping
from functools import lru_cache

from hpack import (
    Decoder,
    Encoder,
    HPACKError,
    NeverIndexedHeaderTuple,
    OversizedHeaderListError,
)

from inference_gateway.backends.http2.frames import ProtocolError

# Far more than there are methods and time limits. A trailer may be an error with its own text.
_KNOWN_BLOCKS = 256
# grpc-timeout has at most eight digits.
_MAX_MILLISECONDS = 99_999_999
# A server's error may be long; nothing else is.
MAX_HEADERS_BYTES = 65_536
# "The table has size 0" (RFC 7541, 6.3). A server that allows less than 4,096 bytes waits for it.
_NO_TABLE = b"\x20"
Headers = Mapping[str, str]


@lru_cache(_KNOWN_BLOCKS)
def request_block(authority: str, path: str, timeout_seconds: float) -> bytes:
    """The headers that start a call, encoded."""
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": path,
        ":authority": authority,
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": "kaito-inference-gateway",
        "grpc-timeout": _timeout(timeout_seconds),
    }
    # "Never indexed" keeps a header out of the server's table.
    fields = [NeverIndexedHeaderTuple(*each) for each in headers.items()]
    return _NO_TABLE + bytes(Encoder().encode(fields))


@lru_cache(_KNOWN_BLOCKS)
def read_block(block: bytes) -> Headers | None:
    """The headers of a response or its trailers; None if they are longer than allowed.

    Raises:
        ProtocolError: these are not headers, or they need a table.
    """
    if len(block) > MAX_HEADERS_BYTES:
        return None
    decoder = Decoder(MAX_HEADERS_BYTES)
    decoder.header_table_size = decoder.max_allowed_table_size = 0
    try:
        found = decoder.decode(block, raw=True)
    except OversizedHeaderListError:
        # Later headers need nothing of these: without a table, they are lost for one call only.
        return None
    except HPACKError as error:
        raise ProtocolError(f"headers cannot be decoded: {error}") from None
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in found}


def _timeout(seconds: float) -> str:
    milliseconds = math.ceil(seconds * 1000)
    return f"{milliseconds}m" if milliseconds <= _MAX_MILLISECONDS else f"{math.ceil(seconds)}S"
