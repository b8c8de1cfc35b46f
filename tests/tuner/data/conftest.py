"""Shared by the tests of fetching."""

from collections.abc import Iterator

import pytest

from tests.tuner.data.server import DataServer
from tuner.data import transfer
from tuner.data.download import Downloader
from tuner.data.guard import Guard
from tuner.retry import Patience


@pytest.fixture
def server() -> Iterator[DataServer]:
    """A server of data."""
    with DataServer().running() as server:
        yield server


@pytest.fixture
def downloader() -> Iterator[Downloader]:
    """A downloader that does not sleep and may fetch from the loopback address."""
    with transfer.new_client() as client:
        yield Downloader(
            client=client,
            guard=Guard(allow_private=True),
            max_bytes=10_000,
            patience=Patience(tries=3, sleep=lambda _: None),
        )
