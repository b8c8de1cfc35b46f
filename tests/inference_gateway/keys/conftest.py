"""The stores that the ledger's tests run on."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from inference_gateway.keys.ledger.memory_store import MemoryStore
from inference_gateway.keys.ledger.redis_store import RedisStore
from inference_gateway.keys.ledger.store import LedgerStore
from tests.inference_gateway.keys.redis_server import MissingServer, RedisServer, redis_server

NOW = 1_764_412_200.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """A Redis that runs, without a file."""
    # A socket's path has at most 107 bytes, and that of tmp_path may be longer.
    with tempfile.TemporaryDirectory(prefix="kaito-") as folder:
        try:
            with redis_server(Path(folder)) as found:
                found.start(keeps_data=False)
                yield found
        except MissingServer as missing:
            pytest.skip(f"no Redis for the shared ledger: {missing}")


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[LedgerStore]:
    """Each store with no accounts."""
    if request.param == "memory":
        yield MemoryStore(now=lambda: NOW)
        return
    found = RedisStore(request.getfixturevalue("server").url)
    yield found
    await found.close()
