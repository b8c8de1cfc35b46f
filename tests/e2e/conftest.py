"""The real local cluster with Kaito on it, brought up once for all of these tests."""

from collections.abc import Generator, Iterator

import pytest

from tools.demo import cloud
from tools.demo.kubectl import Kubectl
from tools.demo.post_mortem import post_mortem
from tools.demo.stage import Stage, clear, set_stage
from tools.demo.timeline import Timeline


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/e2e/" in str(item.path):
            item.add_marker(pytest.mark.cluster)
            item.add_marker(pytest.mark.timeout(900))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test's report says what the cluster was at that moment."""
    report = yield
    stage = getattr(item, "funcargs", {}).get("stage")
    if report.failed and isinstance(stage, Stage):
        report.sections.append(("cluster and cloud", post_mortem(stage.kubectl)))
    return report


@pytest.fixture(scope="session")
def stage() -> Stage:
    """The release with Machines."""
    return set_stage(Timeline(), "machine")


@pytest.fixture(scope="session")
def kubectl(stage: Stage) -> Kubectl:
    return stage.kubectl


@pytest.fixture
def clean(stage: Stage) -> Iterator[Stage]:
    """A cluster without Workspaces and a cloud without faults, before and after."""
    cloud.clear_faults()
    clear(stage.kubectl)
    yield stage
    cloud.clear_faults()
    clear(stage.kubectl)
