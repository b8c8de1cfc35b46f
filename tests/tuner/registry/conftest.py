"""Repositories on the fake registry and, if it is installed, on a real one."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kaito_process.retry_policy import RetryPolicy
from kaito_registry import registry_client
from kaito_registry.credentials import Credentials
from kaito_registry.fake import FakeRegistry
from kaito_registry.reference import parse_reference
from kaito_registry.registry_client import RegistryClient
from tests.kaito_registry import real
from tuner.registry.http_repository import HttpRepository
from tuner.registry.push_errors import PushErrors

GOOD = Credentials("user", "secret")
Open = Callable[[str, Credentials], HttpRepository]
KINDS = ["fake", "real"] if shutil.which(real.PROGRAM) else ["fake"]


@pytest.fixture
def open_repository() -> Iterator[Open]:
    """Opens the repository team/adapter of a registry; no time passes between retries."""
    with registry_client.new_client() as client:

        def open_(host: str, credentials: Credentials) -> HttpRepository:
            reference = parse_reference(f"{host}/team/adapter:1")
            errors = PushErrors(
                reference=reference, credentials=credentials, secret="the secret 'push'"
            )
            return HttpRepository(
                client=RegistryClient(
                    client=client,
                    reference=reference,
                    credentials=credentials,
                    insecure=True,
                    errors=errors,
                    scope="pull,push",
                ),
                retry_policy=RetryPolicy(max_attempts=3, sleep=lambda _: None, clock=lambda: 0.0),
                errors=errors,
            )

        yield open_


@pytest.fixture(params=KINDS)
def open_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The host:port of a registry without authentication."""
    if request.param == "fake":
        with FakeRegistry().running() as registry:
            yield registry.host
    else:
        with real.running(tmp_path, basic=False) as host:
            yield host


@pytest.fixture(params=KINDS)
def basic_host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The host:port of a registry that requires GOOD."""
    if request.param == "fake":
        with FakeRegistry(auth="basic").running() as registry:
            yield registry.host
    else:
        with real.running(tmp_path, basic=True) as host:
            yield host
