"""A real API server without nodes, the AKS emulator, and gpu-provisioner in its own process."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.gpu_provisioner.apiserver.sandbox import Sandbox
from tests.gpu_provisioner.emulation import emulation
from tools.local_cluster import envtest
from tools.local_cluster.envtest import StandaloneApiServer
from tools.local_cluster.paths import Paths


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/apiserver/" in str(item.path):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneApiServer]:
    folder = tmp_path_factory.mktemp("api-server")
    with envtest.running(Paths.from_env(os.environ), folder) as running:
        yield running


@pytest.fixture
async def sandbox(api: StandaloneApiServer, tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with emulation(tmp_path) as aks:
        sandbox = Sandbox(api, aks, tmp_path)
        try:
            yield sandbox
        finally:
            await sandbox.close()
