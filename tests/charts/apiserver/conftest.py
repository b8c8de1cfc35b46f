"""A real API server without nodes, to which Helm installs releases."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tools.local_cluster import envtest
from tools.local_cluster.paths import Paths


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/charts/apiserver/" in str(item.path):
            item.add_marker(pytest.mark.cluster)


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paths]:
    """Those of the API server: its kubeconfig, and the built programs."""
    folder, own = tmp_path_factory.mktemp("api-server"), Paths.from_env(os.environ)
    with envtest.running(own, folder):
        yield replace(own, home=folder)
