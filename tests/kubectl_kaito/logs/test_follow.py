"""`logs -f` goes on over restarts, lost connections and new pods, and shows each line once."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from kaito_kube.errors import Forbidden, NotFound, Unavailable
from kaito_kube.kinds import POD, WORKSPACE, Key, Manifest, key_of
from kubectl_kaito.logs.follow import follow
from kubectl_kaito.logs.source import Source
from kubectl_kaito.observation import Observation
from tests.kubectl_kaito.reconciled import reconciled
from tests.workspace_controller.given import NAMESPACE, inference_workspace


def running(restarts: int = 0) -> Manifest:
    return {"restartCount": restarts, "state": {"running": {"startedAt": f"at {restarts}"}}}


def ended(code: int = 0, restarts: int = 0) -> Manifest:
    terminated = {"exitCode": code, "startedAt": f"at {restarts}"}
    return {"restartCount": restarts, "state": {"terminated": terminated}}


WAITING: Manifest = {"restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}


def pod(name: str, created: str, /, phase: str = "Running", **containers: Manifest) -> Manifest:
    statuses = [{"name": container, **status} for container, status in containers.items()]
    return {
        "metadata": {"name": name, "namespace": "team", "uid": name, "creationTimestamp": created},
        "status": {"phase": phase, "containerStatuses": statuses},
    }


@dataclass
class Looks:
    """What each look finds, and what each stream yields or raises."""

    looks: list[list[Manifest] | Exception]
    streams: list[list[str | Exception]]
    state: str = "Failed"
    opened: list[tuple[str, str, str]] = field(default_factory=list)

    def look(self) -> Observation:
        pods = self.looks.pop(0) if self.looks else []
        if isinstance(pods, Exception):
            raise pods
        workspace = {"metadata": {"name": "ws", "namespace": "team"}}
        status = {"state": self.state if not self.looks else "Loading"}
        now = datetime(2026, 1, 1, tzinfo=UTC)
        return Observation({**workspace, "status": status}, now, pods=tuple(pods))

    def stream(self, source: Source, since: str) -> Iterator[str]:
        self.opened.append((source.pod.name, source.container, since))
        for line in self.streams.pop(0):
            if isinstance(line, Exception):
                raise line
            yield line

    def lines(self, container: str | None = None) -> list[str]:
        return [line.text for line in follow(self.look, self.stream, lambda _: None, container)]


def test_a_restarted_container_is_followed_on_and_no_line_comes_twice() -> None:
    crashed, again = pod("p", "1", server=ended(1)), pod("p", "1", server=running(1))
    gone = pod("p", "1", "Failed", server=ended(1, 1))
    looks = Looks(
        [[pod("p", "1", server=running())], [crashed], [pod("p", "1", server=WAITING)], [again],
         [gone], []],
        [["t1 one", "t2 two"], ["t2 two"], ["t2 two", "t3 three"], ["t3 three"]],
    )  # fmt: skip
    assert looks.lines() == ["one", "two", "three"]
    assert [since for _, _, since in looks.opened] == ["", "t2", "t2", "t3"]


def test_a_lost_connection_is_taken_up_where_it_broke() -> None:
    alive = [pod("p", "1", server=running())]
    looks = Looks(
        [alive, Unavailable("away"), alive, [pod("p", "1", "Failed", server=ended())]],
        [["t1 one", Unavailable("reset")], ["t1 one", "t2 two"], ["t2 two"]],
    )
    assert looks.lines() == ["one", "two"]


def test_a_tuning_is_followed_from_container_to_container() -> None:
    looks = Looks(
        [
            [pod("p", "1", fetcher=running())],
            [pod("p", "1", fetcher=ended(), trainer=running())],
            [pod("p", "1", fetcher=ended(), trainer=running())],
            [pod("p", "1", "Succeeded", fetcher=ended(), trainer=ended(), pusher=ended())],
            [pod("p", "1", "Succeeded", fetcher=ended(), trainer=ended(), pusher=ended())],
        ],
        [["t1 a"], [], ["t2 b"], ["t2 b"], ["t3 c"]],
        state="Succeeded",
    )
    assert looks.lines() == ["a", "b", "c"]
    assert [container for _, container, _ in looks.opened] == [
        "fetcher", "fetcher", "trainer", "trainer", "pusher",
    ]  # fmt: skip


def test_a_new_pod_takes_the_place_of_one_that_is_gone() -> None:
    looks = Looks(
        [[pod("old", "1", server=running())], [], [pod("new", "2", server=running())],
         [pod("new", "2", "Failed", server=ended(1))]],
        [["t1 one"], ["t2 two"], []],
    )  # fmt: skip
    assert looks.lines() == ["one", "two"]


def test_the_gateway_is_not_followed_while_the_server_restarts() -> None:
    both = pod("p", "1", server=running(), gateway=running())
    crashed = pod("p", "1", server=ended(1), gateway=running())
    looks = Looks([[both], [crashed], [crashed]], [["t1 one"], []])
    assert looks.lines() == ["one"]
    assert {container for _, container, _ in looks.opened} == {"server"}


def test_what_has_ended_before_is_not_printed_but_for_the_newest() -> None:
    check = pod("check", "1", "Succeeded", checker=ended())
    run = pod("run", "2", "Failed", trainer=ended(1))
    looks = Looks([[check, run], [check, run]], [["t1 boom"]])
    assert looks.lines() == ["boom"]
    assert looks.opened == [("run", "trainer", "")]


def test_a_named_container_is_the_only_one() -> None:
    both = pod("p", "1", server=running(), gateway=running())
    looks = Looks(
        [[both], [pod("p", "1", "Failed", server=ended(), gateway=ended())]], [["t1 g"], []]
    )
    assert looks.lines("gateway") == ["g"]


@pytest.mark.parametrize(
    ("error", "ends"),
    [(Unavailable("away"), True), (Forbidden("no"), True), (NotFound("x"), False)],
)
def test_a_cluster_that_stays_away_ends_it_and_a_pod_that_went_does_not(
    error: Exception, ends: bool
) -> None:
    alive = [pod("p", "1", server=running())]
    looks = Looks([alive, *[error] * 70, []], [["t1 one"]])
    if ends:
        with pytest.raises(type(error)):
            looks.lines()
    else:
        assert looks.lines() == ["one"]


def test_the_command_names_each_run_on_stderr() -> None:
    made = reconciled(inference_workspace())
    (found,) = made.cluster.list(POD)
    key = found["metadata"]["name"]

    def end() -> None:
        patch = {"status": {"state": "Failed"}}
        made.environment.cluster.change(WORKSPACE, Key(NAMESPACE, "ws"), patch)
        made.environment.cluster.change(POD, key_of(found), None)

    made.console.during_pause = end
    statuses = [{"name": "model-server", **running()}]
    change: Manifest = {"status": {"containerStatuses": statuses}}
    made.environment.cluster.change(POD, key_of(found), change)
    made.cluster.logs[(key_of(found), "model-server", False)] = (
        "2026-01-01T00:00:00.1Z loading\n2026-01-01T00:00:00.2Z 50 %\n"
    )
    result = made.console.run("logs", "ws", "-f")
    assert (result.code, result.out) == (0, "loading\n50 %\n")
    assert result.err == f"pod {key}, container model-server:\n"
    both = made.console.run("logs", "ws", "-f", "--previous")
    assert (both.code, "leave --follow out" in both.err) == (2, True)
