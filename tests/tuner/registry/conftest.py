"""Repositories over the fake registry and, where it is installed, over a real one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tuner.registry import real
from tuner.registry import client
from tuner.registry.client import RegistryRepository
from tuner.registry.credentials import Credentials
from tuner.registry.fake import FakeRegistry
from tuner.registry.reference import parse_reference
from tuner.retry import Patience

GOOD = Credentials("user", "secret")
Open = Callable[[str, Credentials], RegistryRepository]
KINDS = ["fake", "real"] if shutil.which(real.PROGRAM) else ["fake"]


@pytest.fixture
def open_repository() -> Iterator[Open]:
    """Makes the repository team/adapter of a registry, which does not sleep."""
    with client.new_client() as http:

        def make(host: str, credentials: Credentials) -> RegistryRepository:
            return RegistryRepository(
                client=http,
                reference=parse_reference(f"{host}/team/adapter:1"),
                credentials=credentials,
                secret="the secret 'push'",
                insecure=True,
                patience=Patience(tries=3, sleep=lambda _: None),
            )

        yield make


@pytest.fixture(params=KINDS)
def open_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """host:port of a registry that takes everybody."""
    if request.param == "fake":
        with FakeRegistry().running() as registry:
            yield registry.host
    else:
        with real.running(tmp_path, basic=False) as host:
            yield host


@pytest.fixture(params=KINDS)
def basic_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """host:port of a registry that wants GOOD."""
    if request.param == "fake":
        with FakeRegistry(auth="basic").running() as registry:
            yield registry.host
    else:
        with real.running(tmp_path, basic=True) as host:
            yield host
