"""The official client's answers and failures, over loopback, as our errors."""

import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from kaito_kube import errors
from kaito_kube.kinds import NODE, WORKSPACE, Key
from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.cluster.kubernetes_cluster import connect, path
from tests.kubectl_kaito.loopback import serving


def kubeconfig(folder: Path, url: str, **context: str) -> ClusterChoice:
    file = folder / "config"
    document = {
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", **context}},
            {"name": "two", "context": {"cluster": "c", "user": "u", "namespace": "second"}},
        ],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "secret-token"}}],
    }
    file.write_text(yaml.safe_dump(document))
    return ClusterChoice(kubeconfig=str(file))


def status(code: int, message: str, reason: str = "") -> tuple[int, Any]:
    return code, {"kind": "Status", "code": code, "message": message, "reason": reason}


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        (status(401, "Unauthorized"), errors.Unavailable, "does not accept your credentials"),
        (status(403, "workspaces is forbidden"), errors.Forbidden, "workspaces is forbidden"),
        (status(404, "not found"), errors.NotFound, "not found"),
        (status(409, "taken", "AlreadyExists"), errors.AlreadyExists, "taken"),
        (status(422, "resource.count: too many"), errors.Invalid, "resource.count"),
        (status(429, "slow down"), errors.Throttled, "slow down"),
        (status(500, "etcd is away"), errors.Unavailable, "etcd is away"),
        ((502, "<html>Bad Gateway</html>"), errors.Unavailable, "502: <html>Bad Gateway</html>"),
        ((404, "[]"), errors.NotFound, "404"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else "",
)
def test_answers_become_errors(
    tmp_path: Path, answer: tuple[int, Any], error: type[Exception], text: str
) -> None:
    with serving(answer) as server:
        cluster = connect(kubeconfig(tmp_path, server.url))
        with pytest.raises(error, match="(?s)" + text):
            cluster.get(WORKSPACE, "ws", "team")


def test_requests_carry_the_token_and_the_apis_path(tmp_path: Path) -> None:
    with serving((200, {"metadata": {"name": "ws"}})) as server:
        connect(kubeconfig(tmp_path, server.url)).get(WORKSPACE, "ws", "team")
    assert server.requests == [
        ("GET", "/apis/kaito.sh/v1beta1/namespaces/team/workspaces/ws", "Bearer secret-token")
    ]


def test_long_lists_are_read_page_by_page(tmp_path: Path) -> None:
    first = {"metadata": {"continue": "more"}, "items": [{"metadata": {"name": "a"}}]}
    second = {"metadata": {}, "items": [{"metadata": {"name": "b"}}]}
    with serving((200, first), (200, second)) as server:
        found = connect(kubeconfig(tmp_path, server.url)).list(NODE, labels={"a": "b"})
    assert [each["metadata"]["name"] for each in found] == ["a", "b"]
    assert [r[1] for r in server.requests] == [
        "/api/v1/nodes?limit=500&labelSelector=a%3Db",
        "/api/v1/nodes?limit=500&labelSelector=a%3Db&continue=more",
    ]


def test_a_cluster_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        # Bound and not listening: every connection is refused.
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(errors.Unavailable, match=f"{url} does not answer"):
            connect(kubeconfig(tmp_path, url)).version()


def test_the_namespace_is_that_of_the_chosen_context(tmp_path: Path) -> None:
    choice = kubeconfig(tmp_path, "http://127.0.0.1:1", namespace="first")
    assert connect(choice).namespace == "first"
    assert connect(ClusterChoice(choice.kubeconfig, "two")).namespace == "second"
    assert connect(kubeconfig(tmp_path, "http://127.0.0.1:1")).namespace == "default"


@pytest.mark.parametrize(
    "text",
    ["", "not: [yaml", "[]", "contexts: []", "current-context: gone\ncontexts: []\n"],
    ids=["empty", "broken", "a list", "no context", "missing context"],
)
def test_a_useless_kubeconfig_says_how_to_name_a_cluster(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config"
    file.write_text(text)
    with pytest.raises(errors.Unavailable, match="no cluster is configured"):
        connect(ClusterChoice(kubeconfig=str(file)))


def test_a_missing_kubeconfig_or_context_says_so(tmp_path: Path) -> None:
    with pytest.raises(errors.Unavailable, match="no cluster is configured"):
        connect(ClusterChoice(kubeconfig=str(tmp_path / "nothing")))
    choice = kubeconfig(tmp_path, "http://127.0.0.1:1")
    with pytest.raises(errors.Unavailable, match="three"):
        connect(ClusterChoice(choice.kubeconfig, "three"))


def test_names_are_escaped_in_paths() -> None:
    assert path(WORKSPACE, "a/b", "c?d").endswith("/namespaces/a%2Fb/workspaces/c%3Fd")
    assert path(NODE, "", "n") == "/api/v1/nodes/n"


def test_a_container_without_a_log_has_an_empty_one(tmp_path: Path) -> None:
    with serving(status(400, "container main is waiting to start"), (200, "two lines\n")) as server:
        cluster = connect(kubeconfig(tmp_path, server.url))
        assert cluster.log(Key("team", "ws-0"), "main", previous=True) == ""
        assert cluster.log(Key("team", "ws-0"), "main", lines=5) == "two lines\n"
    assert [r[1].partition("?")[2] for r in server.requests] == [
        "container=main&tailLines=20&previous=true",
        "container=main&tailLines=5",
    ]


def test_a_log_is_followed_from_a_time_on_and_ends_where_nothing_runs(tmp_path: Path) -> None:
    waiting = status(400, "container main is waiting to start")
    with serving(
        (200, "2026-01-01T00:00:00.1Z one\n2026-01-01T00:00:00.2Z two"), waiting
    ) as server:
        cluster = connect(kubeconfig(tmp_path, server.url))
        followed = list(cluster.follow_log(Key("team", "ws-0"), "main", lines=5))
        assert [line.partition(" ")[2] for line in followed] == ["one", "two"]
        since = "2026-01-01T00:00:00.2Z"
        assert list(cluster.follow_log(Key("team", "ws-0"), "main", lines=5, since=since)) == []
    assert [r[1].partition("?")[2] for r in server.requests] == [
        "container=main&follow=true&timestamps=true&tailLines=5",
        "container=main&follow=true&timestamps=true&sinceTime=2026-01-01T00%3A00%3A00.2Z",
    ]


def test_a_post_goes_through_the_api_servers_proxy_and_is_read_line_by_line(
    tmp_path: Path,
) -> None:
    with serving((200, "data: one\r\n\ndata: two")) as server:
        cluster = connect(kubeconfig(tmp_path, server.url))
        lines = list(cluster.post(Key("team", "ws"), "http", "v1/chat/completions", {"a": 1}))
    assert lines == ["data: one", "", "data: two"]
    assert server.requests[0][:2] == (
        "POST",
        "/api/v1/namespaces/team/services/http:ws:http/proxy/v1/chat/completions",
    )


def test_a_post_that_no_pod_answers_is_unavailable(tmp_path: Path) -> None:
    with serving(status(503, "no endpoints available for service")) as server:
        cluster = connect(kubeconfig(tmp_path, server.url))
        with pytest.raises(errors.Unavailable, match="no endpoints available"):
            list(cluster.post(Key("team", "ws"), "http", "v1/models", {}))
