"""A real API server without nodes, and the real controller in this process."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace_controller.apiserver.sandbox import Sandbox
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
def sandbox(
    api: StandaloneApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Sandbox]:
    """A new namespace on a cluster that serves Workspaces and no claims."""
    sandbox = Sandbox(api, tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(sandbox.account))
    yield sandbox
    sandbox.clear()
