"""Headers as bytes that depend on nothing before them."""

import pytest
from hpack import Encoder

from inference_gateway.backends.http2.frames import ProtocolError
from inference_gateway.backends.http2.headers import read_block, request_block


@pytest.mark.parametrize(
    ("seconds", "sent"),
    [(0.0001, "1m"), (601, "601000m"), (99_999.999, "99999999m"), (31_536_000, "31536000S")],
)
def test_time_limit_has_at_most_eight_digits(seconds: float, sent: str) -> None:
    headers = read_block(request_block("m:1", "/s/M", seconds))
    assert headers is not None
    assert headers["grpc-timeout"] == sent


def test_headers_that_need_a_table_are_refused() -> None:
    encoder = Encoder()
    first, second = (bytes(encoder.encode([("x-name", "value")])) for _ in range(2))
    assert read_block(first) == {"x-name": "value"}
    with pytest.raises(ProtocolError):
        read_block(second)
