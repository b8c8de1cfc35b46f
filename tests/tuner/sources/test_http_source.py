"""Files at http and https URLs, with what the access secret adds to their requests."""

import base64
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.tuner.sources.server import Answer, DataServer
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.access_secret import AccessSecret
from tuner.sources.download import Downloader
from tuner.sources.remote_file import RemoteFile, Request
from tuner.sources.sources import Sources
from tuner.sources.ssrf_guard import SsrfGuard

URL = "https://h.example/a.jsonl"
DIGEST = "ab" * 32


def files(
    *urls: str, secret: Mapping[str, str] | None = None, private: bool = False
) -> tuple[RemoteFile, ...]:
    access = AccessSecret("mine", secret) if secret else AccessSecret()
    sources = Sources(guard=SsrfGuard(private), secret=access)
    (part,) = sources.find(urls, lambda file: b"")
    return part.files


def refusal(*urls: str, secret: Mapping[str, str] | None = None) -> str:
    with pytest.raises(RunError) as caught:
        files(*urls, secret=secret)
    assert caught.value.reason is Reason.DATA_UNREACHABLE
    assert not caught.value.retryable
    assert "HIDDEN" not in caught.value.message
    return caught.value.message


@pytest.mark.parametrize(
    ("secret", "request_", "keys"),
    [
        ({}, Request(URL), ""),
        ({"token": "t"}, Request(URL, {"Authorization": "Bearer t"}), "token"),
        (
            {"username": "me", "password": "p:w"},
            Request(URL, {"Authorization": f"Basic {base64.b64encode(b'me:p:w').decode()}"}),
            "username or password",
        ),
        ({"header-X-Api-Key": "k"}, Request(URL, {"X-Api-Key": "k"}), "header-X-Api-Key"),
        ({"sas": "?sv=1&sig=a%2Fb"}, Request(f"{URL}?sv=1&sig=a%2Fb"), "sas"),
    ],
    ids=["none", "bearer", "basic", "header", "sas"],
)
def test_secret_opens_the_url(secret: dict[str, str], request_: Request, keys: str) -> None:
    (file,) = files(URL, secret=secret)
    assert file.request() == request_
    assert file.credential == (f"key {keys} of Secret 'mine'" if keys else "")
    assert file.address == URL


def test_signature_is_appended_to_the_query() -> None:
    (file,) = files(f"{URL}?v=2", secret={"sas": "sig=x"})
    assert file.request().url == f"{URL}?v=2&sig=x"
    # A renewed signature opens the same file.
    assert file.identity == f"{URL}?v=2"


def test_nothing_shows_the_secret() -> None:
    secret = AccessSecret("mine", {"token": "HIDDEN"})
    (file,) = files(URL, secret=secret.values)
    assert "HIDDEN" not in f"{secret!r} {file!r} {file.request()!r}"


def test_digest_is_not_part_of_the_url() -> None:
    (file,) = files(f"{URL}?v=2#sha256={DIGEST.upper()}")
    assert (file.request().url, file.sha256) == (f"{URL}?v=2", DIGEST)


def test_credentials_are_for_one_host_unless_the_secret_names_more() -> None:
    urls = (URL, "https://other.example/b.jsonl")
    message = refusal(*urls, secret={"token": "HIDDEN"})
    assert message == (
        "Secret 'mine' (tuning.input.accessSecret) does not say which of the 2 hosts (h.example, "
        "other.example) its credentials are for: list those in its key hosts, separated by commas; "
        "correct the Secret"
    )
    one, other = files(*urls, secret={"token": "t", "hosts": "x.example, H.example"})
    assert one.request().credentials and not other.request().credentials
    assert not other.credential


def test_credentials_need_tls() -> None:
    url = "http://h.example/a.jsonl"
    message = refusal(url, secret={"token": "HIDDEN"})
    assert "key token of Secret 'mine' would be sent without TLS" in message
    assert files(url, secret={"token": "t"}, private=True)[0].request().credentials
    assert files(url)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (
            {"username": "me"},
            "Secret 'mine' (tuning.input.accessSecret) has username, but no key p",
        ),
        ({"password": "HIDDEN"}, "has password, but no key username"),
        ({"AWS_ACCESS_KEY_ID": "HIDDEN"}, "has none of the keys that open these URLs: token,"),
        ({"token": "HIDDEN\nX: y"}, "key token of Secret 'mine'"),
        ({"header-X-Key": "HIDDENä"}, "key header-X-Key of Secret 'mine'"),
    ],
    ids=["no password", "no username", "for another kind of source", "two lines", "not ASCII"],
)
def test_unusable_secret_is_named_by_its_key(secret: dict[str, str], expected: str) -> None:
    assert expected in refusal(URL, secret=secret)


def test_url_of_another_form_is_refused() -> None:
    message = refusal(f"{URL}?sig=HIDDEN#sha256=abc")
    assert message == (
        f"entry '{URL}' of tuning.input.urls does not end after #sha256= and 64 hexadecimal digits"
    )
    assert "is not a URL of a known kind" in refusal("file:///etc/passwd")


def test_secret_is_read_from_its_volume(tmp_path: Path) -> None:
    """As the kubelet mounts it: files that are links, and hidden folders."""
    (tmp_path / "..2026").mkdir()
    (tmp_path / "..2026" / "token").write_text("t\n")
    (tmp_path / "..data").symlink_to("..2026")
    (tmp_path / "token").symlink_to("..data/token")
    assert AccessSecret.read("mine", tmp_path, {}).values == {"token": "t"}
    (tmp_path / "sas").write_bytes(b"\xff")
    with pytest.raises(RunError, match=r"key sas of Secret 'mine' .* is not text"):
        AccessSecret.read("mine", tmp_path, {})
    assert AccessSecret.read("mine", tmp_path / "absent", {"HF_TOKEN": "t"}).values == {}


def test_environment_has_the_credentials_where_there_is_no_secret(tmp_path: Path) -> None:
    """Only those under the providers' own names: `token` may be anything."""
    environ = {"HF_TOKEN": "t", "AWS_REGION": "eu-west-1", "token": "x", "PATH": "/bin"}
    secret = AccessSecret.read("", tmp_path, environ)
    assert secret.values == {"HF_TOKEN": "t", "AWS_REGION": "eu-west-1"}
    assert secret.describe(["HF_TOKEN"]) == "the variable HF_TOKEN"
    assert "the variable AWS_REGION is bad; correct it" in str(secret.wrong("AWS_REGION", "is bad"))


def test_credentials_reach_the_server(
    downloader: Downloader, server: DataServer, tmp_path: Path
) -> None:
    server.answers["/x"] = [Answer(body=b"data")]
    secret = {"username": "me", "password": "pw", "sas": "sig=s", "header-Host": "evil"}
    (file,) = files(f"{server.url}/x", secret=secret, private=True)
    downloader.download(file, tmp_path / "x")
    ((path, _, host),) = server.seen
    assert path == "/x?sig=s"
    assert host == server.url.removeprefix("http://")
    assert server.headers[0]["Authorization"] == "Basic bWU6cHc="
    assert server.headers[0].get_all("Host") == [host]
