"""A real API server without nodes, to which Helm installs releases."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tools.demo.kubectl import Kubectl
from tools.local_cluster import envtest
from tools.local_cluster.envtest import StandaloneApiServer
from tools.local_cluster.paths import Paths


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/charts/apiserver/" in str(item.path):
            item.add_marker(pytest.mark.cluster)


@dataclass(frozen=True, slots=True)
class Server:
    """`paths` are those of the API server: its kubeconfig, and the built programs."""

    api: StandaloneApiServer
    paths: Paths
    kubectl: Kubectl


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    own = Paths.from_env(os.environ)
    folder = tmp_path / "api-server"
    folder.mkdir()
    with envtest.running(own, folder) as api:
        kubectl = Kubectl(str(own.bin / "kubectl"), ("--kubeconfig", str(api.kubeconfig)))
        yield Server(api, replace(own, home=folder), kubectl)
