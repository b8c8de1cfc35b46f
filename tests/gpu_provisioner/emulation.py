"""AksCloud over an AKS emulator inside the test's process."""

import contextlib
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import jwt

from gpu_provisioner.cloud.azure.aks_cloud import AksCloud
from gpu_provisioner.cloud.pools import PoolSpec
from gpu_provisioner.settings import Azure
from kaito_kube.clock import SteadyClock
from tools.aks_emulator.core.azure import Azure as Emulated
from tools.aks_emulator.emulator import running
from tools.aks_emulator.machines.provider import FakeMachines
from tools.aks_emulator.settings import Settings
from tools.aks_emulator.web import admin
from tools.aks_emulator.web.assertions import AUDIENCE
from tools.aks_emulator.web.keys import NoKeys

SPEC = PoolSpec(
    name="ws0123456ab",
    instance_type="Standard_NC6s_v3",
    os_disk_gib=128,
    os_sku="Ubuntu",
    labels={"app": "phi", "kaito.sh/workspace": "phi"},
    taints=("sku=gpu:NoSchedule",),
    tags={"kaito-managed-by": "gpu-provisioner", "kaito-claim-uid": "u1"},
)


@dataclass(frozen=True, slots=True)
class Emulation:
    """The cloud as gpu-provisioner sees it, and the emulated Azure behind it."""

    cloud: AksCloud
    azure: Emulated
    machines: FakeMachines
    settings: Azure

    def set_fault(self, **fault: object) -> None:
        assert admin.set_fault(self.azure, fault).status == 201

    def stop(self) -> None:
        """Do what `az aks stop` does."""
        assert admin.set_power(self.azure, {"power": "stop"}).status == 200


@contextlib.asynccontextmanager
async def emulation(
    folder: Path, *, operation_seconds: float = 0.05, page_size: int = 1000
) -> AsyncIterator[Emulation]:
    settings = Settings(
        home=folder / "aks",
        host="127.0.0.1",
        port=free_port(),
        operation_seconds=operation_seconds,
        retry_after=0,
        page_size=page_size,
    )
    machines = FakeMachines()
    async with running(settings, machines, NoKeys()) as emulator:
        azure = azure_settings(settings, emulator.certificates.ca, token_file(folder))
        async with AksCloud(azure, SteadyClock()) as cloud:
            yield Emulation(cloud, emulator.azure, machines, azure)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def token_file(folder: Path) -> Path:
    claims = {"aud": [AUDIENCE], "sub": "system:serviceaccount:k:g", "iss": "https://k",
              "exp": int(time.time()) + 600}  # fmt: skip
    path = folder / "token"
    path.write_text(jwt.encode(claims, "a-key-of-at-least-32-bytes-length", algorithm="HS256"))
    return path


def azure_settings(emulator: Settings, ca: Path, token: Path) -> Azure:
    ids = emulator.ids
    return Azure(
        subscription_id=ids.subscription,
        resource_group=ids.resource_group,
        cluster_name=ids.cluster,
        location=ids.location,
        tenant_id=ids.tenant,
        client_id="client",
        arm_endpoint=emulator.url,
        arm_audience=emulator.url,
        authority_host=emulator.url,
        instance_discovery=False,
        token_file=str(token),
        ca_file=str(ca),
    )
