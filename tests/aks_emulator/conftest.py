"""An emulator without HTTP, and one that the unmodified Azure SDKs can call."""

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

from tests.aks_emulator.builders import IDS, ManualClock, make_context
from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.emulator import running
from tools.aks_emulator.machines.provider import FakeMachines, MachineProvider
from tools.aks_emulator.settings import Settings
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.keys import NoKeys


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def context(tmp_path: Path, clock: ManualClock) -> Context:
    return make_context(tmp_path, clock)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A running emulator as a client sees it."""

    azure: Azure
    settings: Settings
    ca: Path
    machines: MachineProvider

    def credential(self, token_file: Path) -> WorkloadIdentityCredential:
        return WorkloadIdentityCredential(
            tenant_id=IDS.tenant,
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
                IDS.subscription,
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
    """A service account token like the kubelet's, signed with a key that is not checked."""
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
    """Starts an emulator; a second one takes over the state and address of the first."""
    port = unused_port

    @contextlib.asynccontextmanager
    async def starting(
        machines: MachineProvider | None = None, **more: object
    ) -> AsyncIterator[Cloud]:
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
    async with cloud.client(token_file) as sdk_client:
        yield sdk_client
