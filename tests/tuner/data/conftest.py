"""Fixtures for the tests of fetching."""

from collections.abc import Iterator

import pytest

from tests.tuner.data.server import DataServer
from tuner.data import http_client
from tuner.data.download import Downloader
from tuner.data.ssrf_guard import SsrfGuard
from tuner.retry import RetryPolicy


@pytest.fixture
def server() -> Iterator[DataServer]:
    """A data server on the loopback address."""
    with DataServer().running() as server:
        yield server


@pytest.fixture
def downloader() -> Iterator[Downloader]:
    """A downloader for which no time passes, and that may fetch from the loopback address."""
    with http_client.new_client() as client:
        yield Downloader(
            client=client,
            guard=SsrfGuard(allow_private=True),
            max_bytes=10_000,
            retry_policy=RetryPolicy(max_attempts=3, sleep=lambda _: None, clock=lambda: 0.0),
        )
