"""What every test shares."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def main_loop() -> Iterator[None]:
    """Python 3.11 makes an event loop whenever the main thread is asked for one, and nobody
    closes it: give it one that is closed."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
