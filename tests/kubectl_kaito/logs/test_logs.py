from datetime import UTC, datetime

import pytest

from kaito_kube.kinds import POD, Manifest
from kubectl_kaito.errors import NotFoundError
from kubectl_kaito.logs.choice import choose_log
from kubectl_kaito.observation import Observation
from tests.kubectl_kaito.reconciled import Reconciled, reconciled
from tests.workspace_controller.given import inference_workspace

RUNS: Manifest = {"running": {}}
DONE: Manifest = {"terminated": {"exitCode": 0}}
FAILED: Manifest = {"terminated": {"exitCode": 1}}


def pod(name: str, created: str, **states: Manifest) -> Manifest:
    return {
        "metadata": {"name": name, "namespace": "team", "creationTimestamp": created},
        "spec": {"containers": [{"name": each} for each in states]},
        "status": {"containerStatuses": [{"name": n, "state": s} for n, s in states.items()]},
    }


def seen(*pods: Manifest) -> Observation:
    workspace = {"metadata": {"name": "ws", "namespace": "team"}}
    return Observation(workspace, datetime(2026, 1, 1, tzinfo=UTC), pods=pods)


@pytest.mark.parametrize(
    ("pods", "chosen"),
    [
        ([pod("a", "1", gateway=RUNS, server=FAILED)], ("a", "server")),
        ([pod("a", "1", fetcher=DONE, trainer=RUNS)], ("a", "trainer")),
        ([pod("a", "1", fetcher=DONE, trainer=DONE)], ("a", "trainer")),
        ([pod("a", "1", old=RUNS), pod("b", "2", new=RUNS)], ("b", "new")),
        ([pod("a", "1", old=FAILED), pod("b", "2", new=RUNS)], ("a", "old")),
        ([pod("a", "1", waits={})], ("a", "waits")),
    ],
    ids=["failed", "runs", "ended", "newest pod", "failed before newest", "not started"],
)
def test_the_log_that_says_most_is_chosen(pods: list[Manifest], chosen: tuple[str, str]) -> None:
    ref = choose_log(seen(*pods), None, previous=False)
    assert (ref.pod.name, ref.container) == chosen


def test_a_container_can_be_named_and_a_wrong_one_lists_all() -> None:
    both = seen(pod("a", "1", server=RUNS, gateway=RUNS))
    assert choose_log(both, "gateway", previous=True).previous
    with pytest.raises(NotFoundError, match="there are gateway, server"):
        choose_log(both, "trainer", previous=False)


def test_the_log_is_printed_and_its_origin_is_on_stderr() -> None:
    made = reconciled(inference_workspace())
    view = choose_log(
        Observation(
            made.environment.workspace(),
            made.environment.clock.now(),
            pods=tuple(made.cluster.list(POD)),
        ),
        None,
        previous=False,
    )
    made.cluster.logs[(view.pod, view.container, False)] = "one\ntwo\nthree"
    result = made.console.run("logs", "ws", "--tail", "2")
    assert (result.code, result.out) == (0, "two\nthree\n")
    assert result.err == f"pod {view.pod.name}, container {view.container}:\n"


def test_a_workspace_without_pods_says_how_to_learn_why() -> None:
    made = Reconciled().apply(inference_workspace())
    result = made.console.run("logs", "ws")
    assert result.code == 4
    assert "kubectl kaito why ws -n team" in result.err
