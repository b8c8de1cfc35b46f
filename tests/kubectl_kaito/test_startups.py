"""What a start is expected to take: the closest starts of the cluster, else recorded figures."""

import pytest

from kaito_kube.kinds import WORKSPACE
from kubectl_kaito.startups import RECORDED, Start, expect, starts_of
from tests.kubectl_kaito.reconciled import reconciled
from tests.workspace_controller.given import inference_workspace

A, B = "Standard_A", "Standard_B"
FRESH = {"launch": 100, "join": 40, "initialize": 10, "pull": 60, "download": 30, "load": 50}
REUSED = {"pull": 2, "load": 45}


def expected(*starts: Start, own_nodes: bool = False) -> dict[str, tuple[float, str]]:
    found = expect("phi-4", 10.0, A, starts, own_nodes=own_nodes)
    return {phase.name: (phase.seconds, phase.source) for phase in found}


def test_without_a_history_the_figures_are_the_recorded_ones() -> None:
    found = expected()
    assert found["node"] == (330.0, RECORDED)
    assert found["files"] == (90.0 + 130.0, RECORDED)
    assert found["loading"] == (20.0 + 30.0, RECORDED)


@pytest.mark.parametrize(
    ("starts", "phase", "seconds", "source"),
    [
        ([Start("phi-4", A.lower(), FRESH)], "node", 150, "1 start in this cluster"),
        ([Start("other", B.lower(), FRESH)], "node", 150, "1 start in this cluster"),
        ([Start("other", B.lower(), FRESH)], "files", 220, RECORDED),
        ([Start("phi-4", B.lower(), FRESH)], "files", 90, "1 start in this cluster"),
        ([Start("phi-4", A.lower(), REUSED)], "files", 220, RECORDED),
        ([Start("phi-4", A.lower(), REUSED)], "loading", 45, "1 start in this cluster"),
        (
            [Start("phi-4", A.lower(), {"load": n}) for n in (10, 20, 90)],
            "loading",
            20,
            "3 starts in this cluster",
        ),
        (
            [Start("phi-4", A.lower(), {"load": 10}), Start("phi-4", B.lower(), {"load": 90})],
            "loading",
            10,
            "1 start in this cluster",
        ),
    ],
    ids=["node", "another type", "files of another model", "files", "a node that was there",
         "loading", "median", "the same type first"],
)  # fmt: skip
def test_the_closest_starts_count(
    starts: list[Start], phase: str, seconds: float, source: str
) -> None:
    assert expected(*starts)[phase] == (seconds, source)


def test_own_nodes_are_there_already() -> None:
    assert set(expected(own_nodes=True)) == {"files", "loading"}


def test_a_start_that_the_controller_wrote_is_read_back() -> None:
    made = reconciled(inference_workspace())
    workspace = made.environment.workspace()
    startup = {"readyTime": "2026-01-01T00:00:00Z", "launchSeconds": 7, "loadSeconds": 9}
    workspace["status"]["startup"] = startup
    (start,) = starts_of([workspace, {"metadata": {"name": "none"}}])
    assert start.phases == {"launch": 7, "load": 9}
    assert start.instance_type == workspace["resource"]["instanceType"].casefold()
    made.environment.cluster.seed(WORKSPACE, workspace)
    out = made.console.run("plan", "--model", start.model).out
    assert "Ready in about" in out and "(1 start in this cluster)" in out
