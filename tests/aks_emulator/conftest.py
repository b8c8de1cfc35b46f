"""An emulator without HTTP, and one that the unmodified SDKs can call."""

import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import jwt
import pytest
from azure.identity.aio import WorkloadIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient

from tests.aks_emulator.pieces import PLACE, ManualClock
from tests.aks_emulator.pieces import desk as make_desk
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.emulator import running
from tools.aks_emulator.machines.seam import FakeMachines, Machines
from tools.aks_emulator.settings import Settings
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.aks_emulator.web.desk import Desk
from tools.aks_emulator.web.keys import NoKeys


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def desk(tmp_path: Path, clock: ManualClock) -> Desk:
    return make_desk(tmp_path, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A running emulator as a client sees it."""

    azure: Azure
    settings: Settings
    ca: Path
    machines: Machines

    def credential(self, token_file: Path) -> WorkloadIdentityCredential:
        return WorkloadIdentityCredential(
            tenant_id=PLACE.tenant,
            client_id="client",
            token_file_path=str(token_file),
            authority=self.settings.url,
            disable_instance_discovery=True,
            connection_verify=str(self.ca),
        )

    @contextlib.asynccontextmanager
    async def client(self, token_file: Path) -> AsyncIterator[ContainerServiceClient]:
        scope = f"{self.settings.url}/.default"
        async with (
            self.credential(token_file) as credential,
            ContainerServiceClient(
                credential,
                PLACE.subscription,
                base_url=self.settings.url,
                credential_scopes=[scope],
                connection_verify=str(self.ca),
                polling_interval=0.02,
                retry_backoff_factor=0.01,
            ) as client,
        ):
            yield client


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """A service account token as kubelet projects it, signed with a key that nobody checks."""
    claims = {
        "aud": [AUDIENCE],
        "sub": "system:serviceaccount:kaito:gpu-provisioner",
        "iss": "https://kubernetes.default.svc",
        "exp": int(time.time()) + 600,
    }
    path = tmp_path / "token"
    path.write_text(jwt.encode(claims, "a-key-of-at-least-32-bytes-length", algorithm="HS256"))
    return path


Start = Callable[..., contextlib.AbstractAsyncContextManager[Cloud]]


@pytest.fixture
def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path, unused_port: int) -> Start:
    """Starts an emulator; a second one takes over its predecessor's state and address."""
    port = unused_port

    @contextlib.asynccontextmanager
    async def starting(machines: Machines | None = None, **more: object) -> AsyncIterator[Cloud]:
        options: dict[str, object] = {"operation_seconds": 0.05, "retry_after": 0, **more}
        settings = Settings(home=tmp_path / "aks", host="127.0.0.1", port=port, **options)  # type: ignore[arg-type]
        chosen = machines if machines is not None else FakeMachines()
        async with running(settings, chosen, NoKeys()) as emulator:
            yield Cloud(
                azure=emulator.azure,
                settings=settings,
                ca=emulator.certificates.ca,
                machines=chosen,
            )

    return starting


@pytest.fixture
async def cloud(start: Start) -> AsyncIterator[Cloud]:
    async with start() as started:
        yield started


@pytest.fixture
async def client(cloud: Cloud, token_file: Path) -> AsyncIterator[ContainerServiceClient]:
    async with cloud.client(token_file) as made:
        yield made
