"""The real local cluster with Kaito, set up once for all of these tests."""

from collections.abc import Generator, Iterator

import pytest

from tests.e2e import causes
from tools.demo import cloud
from tools.demo.cluster import KaitoCluster, clear, set_up
from tools.demo.kubectl import Kubectl
from tools.demo.phase_timer import PhaseTimer
from tools.demo.post_mortem import post_mortem


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(900))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the state of the cluster to the report of a failed test."""
    report = yield
    cluster = getattr(item, "funcargs", {}).get("cluster")
    if report.failed and isinstance(cluster, KaitoCluster):
        report.sections.append(("cluster and cloud", post_mortem(cluster.kubectl)))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in causes.table():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def cluster() -> KaitoCluster:
    """The release with Machines."""
    return set_up(PhaseTimer(), "machine")


@pytest.fixture(scope="session")
def kubectl(cluster: KaitoCluster) -> Kubectl:
    return cluster.kubectl


@pytest.fixture
def clean(cluster: KaitoCluster) -> Iterator[KaitoCluster]:
    """A cluster without Workspaces and a cloud without faults, before and after."""
    cloud.clear_faults()
    clear(cluster)
    yield cluster
    cloud.clear_faults()
    clear(cluster)
