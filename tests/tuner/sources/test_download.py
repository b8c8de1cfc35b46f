"""Downloads from a real server that misbehaves."""

import hashlib
import itertools
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tuner.sources.files import remote_file
from tests.tuner.sources.server import Answer, DataServer
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.download import Downloader
from tuner.sources.partial_file import PartialFile
from tuner.sources.remote_file import Request
from tuner.sources.ssrf_guard import SsrfGuard

BODY = bytes(range(256)) * 8


def _download(downloader: Downloader, server: DataServer, path: Path, where: str = "/x") -> bytes:
    downloader.download(remote_file(server.url + where), path / "x")
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


TAG = {"ETag": '"v1"'}


def test_download_ends_over_a_link_that_is_cut(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=BODY, ranges=True, headers=TAG, cut=200)]
    assert _download(downloader, server, tmp_path) == BODY
    assert len(server.seen) == 11


def test_part_is_kept_for_the_next_process(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    down = [Answer(status=503)] * 3
    server.answers["/x"] = [
        Answer(body=BODY, headers=TAG, cut=100),
        *down,
        Answer(body=BODY, ranges=True, headers=TAG),
    ]
    with pytest.raises(RunError, match="answered 503") as caught:
        downloader.download(remote_file(f"{server.url}/x"), tmp_path / "x")
    assert caught.value.retryable
    assert (tmp_path / "x.part").read_bytes() == BODY[:100]
    assert _download(downloader, server, tmp_path) == BODY
    assert server.seen[-1][1] == "bytes=100-"


def test_complete_part_is_not_requested_again(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    part = PartialFile.open(tmp_path / "x", f"{server.url}/x")
    part.validator, part.expected = TAG["ETag"], len(BODY)
    part.path.write_bytes(BODY)
    part.keep()
    assert _download(downloader, server, tmp_path) == BODY
    assert not server.seen


@pytest.mark.parametrize("damage", ["another URL", "no record", "no JSON"])
def test_part_of_unknown_origin_is_not_used(
    damage: str, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    part = PartialFile.open(tmp_path / "x", f"{server.url}/{'y' if damage[0] == 'a' else 'x'}")
    part.validator = TAG["ETag"]
    part.path.write_bytes(b"other")
    if damage != "no record":
        part.keep()
    if damage == "no JSON":
        (tmp_path / ".x.part.json").write_text("{")
    server.answers["/x"] = [Answer(body=BODY, ranges=True, headers=TAG)]
    assert _download(downloader, server, tmp_path) == BODY
    assert [seen[1] for seen in server.seen] == [None]


@pytest.mark.parametrize(
    "answer",
    [Answer(body=BODY[:50], ranges=True), Answer(body=BODY, shift=1, ranges=True)],
    ids=["shorter", "another range"],
)
def test_answer_that_does_not_continue_the_part_starts_from_scratch(
    answer: Answer, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=BODY, headers=TAG, cut=100), answer, Answer(body=BODY)]
    assert _download(downloader, server, tmp_path) == BODY
    assert [seen[1] for seen in server.seen] == [None, "bytes=100-", None]


def test_trickle_is_given_up(downloader: Downloader, server: DataServer, tmp_path: Path) -> None:
    seconds = itertools.count(step=61)
    policy = replace(downloader.retry_policy, clock=lambda: next(seconds))
    slow = replace(downloader, retry_policy=policy)
    server.answers["/x"] = [Answer(body=BODY, ranges=True, headers=TAG, cut=100)]
    with pytest.raises(RunError, match="less than 1024 bytes a second arrived in 60") as caught:
        slow.download(remote_file(f"{server.url}/x"), tmp_path / "x")
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert caught.value.retryable


def test_byte_between_silences_is_not_progress(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    seconds = itertools.count(step=15)
    policy = replace(downloader.retry_policy, clock=lambda: next(seconds))
    slow = replace(downloader, retry_policy=policy)
    server.answers["/x"] = [Answer(body=BODY, ranges=True, headers=TAG, cut=1)]
    with pytest.raises(RunError, match="peer closed connection"):
        slow.download(remote_file(f"{server.url}/x"), tmp_path / "x")
    assert len(server.seen) == 3


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
        (Answer(status=404), "the server answered 404 Not Found, so there is no such", False),
        (Answer(status=403), "the server answered 403 Forbidden, so the URL's sig", False),
        (Answer(status=401), "the server answered 401 Unauthorized, so it needs cred", False),
        (Answer(status=410), "the server answered 410 Gone, so the file has been rem", False),
        (Answer(status=400), "the server answered 400 Bad Request", False),
        (Answer(status=500), "answered 500", True),
        (Answer(body=BODY, cut=5), "peer closed connection", True),
        (Answer(status=302, headers={"Location": "/x"}), "more than 8 redirects", False),
        (Answer(status=302, headers={"Location": "file:///etc/passwd"}), "only http and", False),
        (Answer(status=302, headers={"Location": "https://[::x/"}), "to what is not a URL", False),
        (Answer(body=BODY, headers={"Content-Encoding": "gzip"}), "DecodingError", True),
    ],
    ids=[
        "404",
        "403",
        "401",
        "410",
        "400",
        "500 always",
        "cut always",
        "redirect loop",
        "redirect to a file",
        "redirect to no URL",
        "not compressed",
    ],
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
        downloader.download(remote_file(f"{server.url}/x?sig=SECRET"), tmp_path / "x")
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert caught.value.retryable is retryable
    assert expected in caught.value.message
    assert "SECRET" not in caught.value.message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("url", ["ftp://h/x", "file:///etc/passwd", "nonsense", "http://", ""])
def test_only_http_urls_are_fetched(url: str, downloader: Downloader, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        downloader.download(remote_file(url), tmp_path / "x")
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert not caught.value.retryable


def test_refused_connection_is_retryable(downloader: Downloader, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="ConnectError") as caught:
        downloader.download(remote_file("http://127.0.0.1:1/x"), tmp_path / "x")
    assert caught.value.retryable


@pytest.mark.parametrize("length", [True, False], ids=["announced", "not announced"])
def test_too_large_file_is_refused(
    length: bool, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=b"x" * 10_001, length=length)]
    with pytest.raises(RunError, match="more than 10000 bytes") as caught:
        downloader.download(remote_file(f"{server.url}/x"), tmp_path / "x")
    assert caught.value.reason is Reason.DATA_TOO_LARGE
    assert not list(tmp_path.iterdir())


def test_limit_holds_for_all_files_together(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=b"x" * 4_001)]
    downloader.download(remote_file(f"{server.url}/x"), tmp_path / "x", 5_999)
    with pytest.raises(
        RunError, match="more than 4000 bytes, what the other files' 6000"
    ) as caught:
        downloader.download(remote_file(f"{server.url}/x"), tmp_path / "y", 6_000)
    assert caught.value.reason is Reason.DATA_TOO_LARGE
    assert "the limit of 10000" in caught.value.message


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
        downloader.download(remote_file(f"{server.url}/x"), tmp_path / "x")
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
    guarded.download(remote_file(f"http://{first}/a"), tmp_path / "x")
    assert resolved == ["first.example", "second.example"]
    assert [seen[2] for seen in server.seen] == [first, second]
    refusing = replace(downloader, guard=SsrfGuard(allow_private=False, resolve=resolve))
    with pytest.raises(RunError, match=r"'first\.example' has the address 127"):
        refusing.download(remote_file(f"http://{first}/a"), tmp_path / "y")
    assert len(server.seen) == 2


def test_digest_is_verified(downloader: Downloader, server: DataServer, tmp_path: Path) -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    server.answers["/x"] = [Answer(body=BODY)]
    downloader.download(remote_file(f"{server.url}/x", sha256=digest), tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY
    server.answers["/x"] = [Answer(body=b"other")]
    with pytest.raises(RunError) as caught:
        downloader.download(remote_file(f"{server.url}/x?k=1", sha256=digest), tmp_path / "y")
    assert caught.value.reason is Reason.DATA_UNREADABLE
    assert caught.value.message == (
        f"{server.url}/x is another file than expected: its SHA-256 is "
        f"{hashlib.sha256(b'other').hexdigest()}, not {digest}; correct the digest after #sha256= "
        "if the new content is right"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_each_attempt_makes_a_new_request(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    """A signature that expires is renewed, and the transfer resumes."""
    server.answers = {
        "/1": [Answer(body=BODY, headers=TAG, cut=100)],
        "/2": [Answer(body=BODY, headers=TAG, ranges=True)],
    }
    signed = (Request(f"{server.url}/{number}") for number in itertools.count(1))
    file = remote_file("s3://bucket/x", request=lambda: next(signed))
    downloader.download(file, tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == BODY
    assert [(seen[0], seen[1]) for seen in server.seen] == [("/1", None), ("/2", "bytes=100-")]


def test_credentials_do_not_follow_a_redirect_to_another_origin(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    with DataServer().running() as other:
        server.answers = {
            "/a": [Answer(status=302, headers={"Location": "/b"})],
            "/b": [Answer(status=307, headers={"Location": f"{other.url}/c"})],
        }
        other.answers = {"/c": [Answer(status=302, headers={"Location": f"{server.url}/d"})]}
        server.answers["/d"] = [Answer(body=BODY)]
        secret = {"Authorization": "Bearer SECRET", "X-Api-Key": "SECRET"}
        file = remote_file(f"{server.url}/a", request=lambda: Request(f"{server.url}/a", secret))
        downloader.download(file, tmp_path / "x")
        for name in secret:
            assert [headers.get(name) for headers in server.headers] == [secret[name]] * 3
            assert [headers.get(name) for headers in other.headers] == [None]


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (401, "so key token of Secret 'mine' is wrong or has expired"),
        (403, "so key token of Secret 'mine' gives no access to it"),
        (404, "so there is no such file, or key token of Secret 'mine' gives no access to it"),
    ],
)
def test_refused_credentials_are_named(
    status: int, hint: str, downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(status=status)]
    file = remote_file(f"{server.url}/x", credential="key token of Secret 'mine'")
    with pytest.raises(RunError) as caught:
        downloader.download(file, tmp_path / "x")
    assert hint in caught.value.message
    assert not caught.value.retryable
