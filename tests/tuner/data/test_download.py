"""Downloads from a real server that misbehaves."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tuner.data.server import Answer, DataServer
from tuner.data.download import Downloader
from tuner.data.ssrf_guard import SsrfGuard
from tuner.errors import RunError
from tuner.reasons import Reason

BODY = bytes(range(256)) * 8


def _download(downloader: Downloader, server: DataServer, path: Path, where: str = "/x") -> bytes:
    downloader.download(server.url + where, path / "x")
    assert [entry.name for entry in path.iterdir()] == ["x"]
    return (path / "x").read_bytes()


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(body=BODY)],
        [Answer(body=BODY, length=False)],
        [Answer(status=503), Answer(body=BODY)],
        [Answer(status=429, headers={"Retry-After": "1"}), Answer(body=BODY)],
        [Answer(body=BODY, cut=100), Answer(body=BODY)],
        [Answer(body=BODY, cut=0), Answer(body=BODY, cut=7), Answer(body=BODY)],
    ],
    ids=["plain", "no length", "503 once", "429 once", "cut once", "cut twice"],
)
def test_file_is_complete_after_transient_failures(
    answers: list[Answer], downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = answers
    assert _download(downloader, server, tmp_path) == BODY


def test_broken_transfer_resumes_where_it_stopped(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    tag = {"ETag": '"v1"'}
    server.answers["/x"] = [
        Answer(body=BODY, cut=100, headers=tag),
        Answer(body=BODY, ranges=True, headers=tag),
    ]
    assert _download(downloader, server, tmp_path) == BODY
    assert [seen[1] for seen in server.seen] == [None, "bytes=100-"]


def test_changed_content_is_downloaded_from_scratch(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [
        Answer(body=b"old" * 100, cut=100, headers={"ETag": '"v1"'}),
        Answer(body=BODY, headers={"ETag": '"v2"'}),
    ]
    assert _download(downloader, server, tmp_path) == BODY


def test_redirects_are_followed(downloader: Downloader, server: DataServer, tmp_path: Path) -> None:
    server.answers["/a"] = [Answer(status=302, headers={"Location": "/b?x=1"})]
    server.answers["/b"] = [Answer(status=307, headers={"Location": f"{server.url}/x"})]
    server.answers["/x"] = [Answer(body=BODY)]
    assert _download(downloader, server, tmp_path, "/a") == BODY
    assert [seen[0] for seen in server.seen] == ["/a", "/b?x=1", "/x"]


@pytest.mark.parametrize(
    ("answer", "expected", "retryable"),
    [
        (Answer(status=404), "the server answered 404 Not Found", True),
        (Answer(status=403), "the server answered 403 Forbidden", True),
        (Answer(status=500), "answered 500", True),
        (Answer(body=BODY, cut=5), "peer closed connection", True),
        (Answer(status=302, headers={"Location": "/x"}), "more than 8 redirects", False),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "only http and", False),
    ],
    ids=["404", "403", "500 always", "cut always", "redirect loop", "redirect to a file"],
)
def test_unreachable_url_is_named_without_its_secrets(
    answer: Answer,
    expected: str,
    retryable: bool,
    downloader: Downloader,
    server: DataServer,
    tmp_path: Path,
) -> None:
    server.answers["/x"] = [answer]
    with pytest.raises(RunError) as caught:
        downloader.download(f"{server.url}/x?sig=SECRET", tmp_path / "x")
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert caught.value.retryable is retryable
    assert expected in caught.value.message
    assert "SECRET" not in caught.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "nonsense", "http://", ""])
def test_only_http_urls_are_fetched(url: str, downloader: Downloader, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        downloader.download(url, tmp_path / "x")
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert not caught.value.retryable


def test_refused_connection_is_retryable(downloader: Downloader, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="ConnectError") as caught:
        downloader.download("http://127.0.0.1:1/x", tmp_path / "x")
    assert caught.value.retryable


@pytest.mark.parametrize("length", [True, False], ids=["announced", "not announced"])
def test_too_large_file_is_refused(
    length: bool, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=b"x" * 10_001, length=length)]
    with pytest.raises(RunError, match="more than 10000 bytes") as caught:
        downloader.download(f"{server.url}/x", tmp_path / "x")
    assert caught.value.reason is Reason.DATA_TOO_LARGE
    assert not list(tmp_path.iterdir())


@contextmanager
def full_volume() -> Iterator[None]:
    """Limit the files of this process to 100 bytes, as a full volume would.

    Not a fixture: between the phases of a test pytest itself writes to a file.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_volume_is_reported(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=BODY)]
    with (
        full_volume(),
        pytest.raises(RunError, match="the data volume is full") as caught,
    ):
        downloader.download(f"{server.url}/x", tmp_path / "x")
    assert caught.value.reason is Reason.DATA_TOO_LARGE


def test_every_hop_is_reached_by_the_address_that_the_guard_checked(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    port = server.url.rpartition(":")[2]
    first, second = f"first.example:{port}", f"second.example:{port}"
    server.answers["/a"] = [Answer(status=302, headers={"Location": f"http://{second}/x"})]
    server.answers["/x"] = [Answer(body=BODY)]
    resolved: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        resolved.append(host)
        return ["127.0.0.1"]

    guarded = replace(downloader, guard=SsrfGuard(allow_private=True, resolve=resolve))
    guarded.download(f"http://{first}/a", tmp_path / "x")
    assert resolved == ["first.example", "second.example"]
    assert [seen[2] for seen in server.seen] == [first, second]
    refusing = replace(downloader, guard=SsrfGuard(allow_private=False, resolve=resolve))
    with pytest.raises(RunError, match=r"'first\.example' has the address 127"):
        refusing.download(f"http://{first}/a", tmp_path / "y")
    assert len(server.seen) == 2
