"""HttpRepository against the fake and the real registry."""

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from kaito_registry import registry_client
from kaito_registry.credentials import Credentials
from kaito_registry.digest import sha256
from kaito_registry.fake import Answer, Auth, FakeRegistry
from kaito_registry.reference import Reference
from kaito_registry.registry_client import RegistryClient, Request
from tests.tuner.registry.conftest import GOOD, Open
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.http_repository import HttpRepository
from tuner.registry.push_errors import PushErrors

CONTENT = b"content" * 100_000
DIGEST = sha256(CONTENT)


def _read(repository: HttpRepository) -> bytes:
    content = bytearray()
    repository.read_blob(DIGEST, content.extend)
    return bytes(content)


def test_blob_is_read_back_unchanged(open_host: str, open_repository: Open, tmp_path: Path) -> None:
    repository = open_repository(open_host, Credentials())
    (tmp_path / "blob").write_bytes(CONTENT)
    assert not repository.has_blob(DIGEST)
    repository.put_blob(DIGEST, tmp_path / "blob")
    repository.put_blob(sha256(b"{}"), b"{}")
    assert repository.has_blob(DIGEST)
    assert _read(repository) == CONTENT
    assert repository.read_manifest("1") is None


def test_wrong_digest_is_refused(open_host: str, open_repository: Open) -> None:
    with pytest.raises(RunError, match="PUT answered 400") as caught:
        open_repository(open_host, Credentials()).put_blob(sha256(b"other"), CONTENT)
    assert caught.value.reason is Reason.PUSH_FAILED


def test_basic_authentication_succeeds(basic_host: str, open_repository: Open) -> None:
    repository = open_repository(basic_host, GOOD)
    repository.put_blob(DIGEST, CONTENT)
    assert repository.has_blob(DIGEST)


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        (Credentials("user", "wrong"), "holds credentials, but 127.0.0.1"),
        (Credentials(), "holds no credentials for 127.0.0.1"),
        (Credentials(helper="desktop"), "refers to the credential helper 'desktop'"),
    ],
    ids=["wrong", "none", "helper"],
)
def test_refused_credentials_are_reported_with_the_remedy(
    credentials: Credentials, expected: str, basic_host: str, open_repository: Open
) -> None:
    with pytest.raises(RunError) as caught:
        open_repository(basic_host, credentials).put_blob(DIGEST, CONTENT)
    assert caught.value.reason is Reason.PUSH_UNAUTHORIZED
    assert caught.value.retryable
    assert f"the secret 'push' {expected}" in caught.value.message
    assert "kubectl create secret docker-registry" in caught.value.message


@pytest.mark.parametrize(
    ("auth", "credentials"),
    [("token", GOOD), ("identity", Credentials(identity_token="secret"))],
)
def test_token_authentication_succeeds(
    auth: Auth, credentials: Credentials, open_repository: Open
) -> None:
    with FakeRegistry(auth=auth).running() as registry:
        repository = open_repository(registry.host, credentials)
        repository.put_blob(DIGEST, CONTENT)
        assert registry.blobs[DIGEST] == CONTENT
        tokens = [request for request in registry.requests if "/token" in request]
        assert len(tokens) == 1
        wrong = open_repository(
            registry.host, Credentials("user", "no", credentials.identity_token and "no")
        )
        with pytest.raises(RunError) as caught:
            wrong.has_blob(DIGEST)
        assert caught.value.reason is Reason.PUSH_UNAUTHORIZED


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_credentials_stay_with_the_registry(auth: Auth, open_repository: Open) -> None:
    with FakeRegistry().running() as storage, FakeRegistry(auth=auth).running() as registry:
        registry.upload_origin = f"http://{storage.host}"
        storage.uploads = registry.uploads
        open_repository(registry.host, GOOD).put_blob(DIGEST, CONTENT)
        assert storage.blobs[DIGEST] == CONTENT
        assert any(registry.authorizations)
        assert set(storage.authorizations) == {""}


def test_credentials_do_not_follow_a_redirect(open_repository: Open) -> None:
    with FakeRegistry().running() as storage, FakeRegistry(auth="basic").running() as registry:
        storage.blobs[DIGEST] = CONTENT
        repository = open_repository(registry.host, GOOD)
        assert not repository.has_blob(DIGEST)
        location = f"http://{storage.host}/v2/team/adapter/blobs/{DIGEST}"
        registry.failures = [Answer(status=307, headers={"Location": location})]
        assert _read(repository) == CONTENT
        assert registry.authorizations[-1] == registry.basic()
        assert set(storage.authorizations) == {""}


@pytest.mark.parametrize("auth", ["basic", "token"])
def test_challenge_of_another_host_is_not_answered(auth: Auth, open_repository: Open) -> None:
    with FakeRegistry(auth=auth).running() as storage, FakeRegistry().running() as registry:
        registry.upload_origin = f"http://{storage.host}"
        with pytest.raises(RunError, match=f"sends requests on to {storage.host}") as caught:
            open_repository(registry.host, GOOD).put_blob(DIGEST, CONTENT)
        assert caught.value.reason is Reason.PUSH_FAILED
        assert set(storage.authorizations) == {""}
        assert not [line for line in storage.requests if "/token" in line]


def test_endless_redirects_are_refused(fake_registry: FakeRegistry, open_repository: Open) -> None:
    location = {"Location": "/v2/team/adapter/manifests/1"}
    fake_registry.failures = [Answer(status=307, headers=location)] * 9
    with pytest.raises(RunError, match="more than 5 redirects"):
        open_repository(fake_registry.host, Credentials()).read_manifest("1")


DENIED = b'{"errors":[{"code":"DENIED","message":"tag 1 is immutable"}]}'


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=403, body=DENIED),
        Answer(status=409),
        Answer(status=412, body=b'{"errors":[{"code":"PRECONDITION"}]}'),
        Answer(
            status=400, body=b'{"errors":[{"code":"TAG_INVALID","message":"tag is immutable"}]}'
        ),
    ],
    ids=lambda answer: str(answer.status),
)
def test_immutable_tag_means_another_tag(
    answer: Answer, fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.tag_refusal = answer
    with pytest.raises(RunError, match="push to another tag") as caught:
        open_repository(fake_registry.host, GOOD).put_manifest("1", b"{}")
    assert caught.value.reason is Reason.PUSH_FAILED
    assert not caught.value.retryable


def test_immutable_tag_with_this_very_manifest_is_a_success(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.tag_refusal = Answer(status=409)
    fake_registry.manifests["1"] = b"{}"
    open_repository(fake_registry.host, GOOD).put_manifest("1", b"{}")


def test_denied_manifest_without_a_word_about_the_tag_is_unauthorized(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.tag_refusal = Answer(status=403, body=b'{"errors":[{"code":"DENIED"}]}')
    with pytest.raises(RunError) as caught:
        open_repository(fake_registry.host, GOOD).put_manifest("1", b"{}")
    assert caught.value.reason is Reason.PUSH_UNAUTHORIZED


PAGE = {"Content-Type": "text/html; charset=utf-8", "Via": "1.1 squid.corp"}


@pytest.mark.parametrize("status", [200, 401, 403, 407, 511])
def test_proxy_is_named(status: int, fake_registry: FakeRegistry, open_repository: Open) -> None:
    fake_registry.failures = [Answer(status=status, body=b"<html>sign in</html>", headers=PAGE)]
    with pytest.raises(RunError, match=r"a proxy \(it calls itself '1.1 squid.corp'\)") as caught:
        open_repository(fake_registry.host, GOOD).read_manifest("1")
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
    assert "NO_PROXY" in caught.value.message


def test_proxy_that_refuses_to_connect_is_named(
    fake_registry: FakeRegistry, open_repository: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To the fake, CONNECT is an unknown method, which it answers with 501.
    monkeypatch.setenv("HTTPS_PROXY", f"http://{fake_registry.host}")
    with registry_client.new_client() as client:
        repository = open_repository("registry.test", GOOD)
        repository.client = replace(repository.client, client=client, insecure=False)
        with pytest.raises(RunError, match="the proxy that HTTPS_PROXY names") as caught:
            repository.has_blob(DIGEST)
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE


def test_credentials_are_not_sent_to_a_token_server_over_plain_http() -> None:
    errors = PushErrors(reference=Reference("a.io", "b", "1"), credentials=GOOD, secret="s")
    header = {"WWW-Authenticate": 'Bearer realm="http://token.test/t",service="a"'}
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.host)
        return httpx2.Response(401, headers=header)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        registry = RegistryClient(
            client=client,
            reference=errors.reference,
            credentials=GOOD,
            insecure=False,
            errors=errors,
        )
        with pytest.raises(RunError, match=r"http://token\.test/t, and the push secret is not"):
            registry.send(Request("GET", "manifests/1"))
    assert seen == ["a.io"]


@pytest.mark.parametrize("failures", [[503], [0], [429, 500]], ids=str)
def test_transient_failures_are_retried(
    failures: list[int], fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.failures = [Answer(status=status) for status in failures]
    open_repository(fake_registry.host, Credentials()).put_blob(DIGEST, CONTENT)
    assert DIGEST in fake_registry.blobs


@pytest.mark.parametrize(
    ("failures", "reason"),
    [
        ([503] * 3, Reason.REGISTRY_UNREACHABLE),
        ([0] * 3, Reason.REGISTRY_UNREACHABLE),
        ([403], Reason.PUSH_UNAUTHORIZED),
        ([404], Reason.PUSH_FAILED),
        ([413], Reason.PUSH_FAILED),
    ],
    ids=lambda value: str(value),
)
def test_failure_has_its_reason(
    failures: list[int],
    reason: Reason,
    fake_registry: FakeRegistry,
    open_repository: Open,
) -> None:
    fake_registry.failures = [Answer(status=status) for status in failures]
    with pytest.raises(RunError) as caught:
        open_repository(fake_registry.host, Credentials()).put_blob(DIGEST, CONTENT)
    assert caught.value.reason is reason
    assert caught.value.retryable
    assert f"{fake_registry.host}/team/adapter:1" in caught.value.message


def test_refused_connection_is_unreachable(open_repository: Open) -> None:
    with pytest.raises(RunError, match=r"registry 127\.0\.0\.1:1 does not answer") as caught:
        open_repository("127.0.0.1:1", GOOD).has_blob(DIGEST)
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE


# As by a proxy that cuts each connection after 2 MiB: the blob is larger than what one carries.
CUT_BYTES = 300_000


@pytest.mark.parametrize("in_file", [True, False], ids=["file", "bytes"])
@pytest.mark.parametrize("drops", [True, False], ids=["upload lost", "upload kept"])
def test_upload_ends_over_a_link_that_is_cut(
    drops: bool, in_file: bool, fake_registry: FakeRegistry, open_repository: Open, tmp_path: Path
) -> None:
    fake_registry.cut_bytes, fake_registry.drops_cut_uploads = CUT_BYTES, drops
    (tmp_path / "blob").write_bytes(CONTENT)
    repository = open_repository(fake_registry.host, Credentials())
    repository.put_blob(DIGEST, tmp_path / "blob" if in_file else CONTENT)
    assert fake_registry.blobs[DIGEST] == CONTENT
    cut = [line for line in fake_registry.requests if line.endswith("cut")]
    # The whole blob and a chunk of 1 MiB; the chunks of 256 KiB arrive.
    assert len(cut) == 2


def test_registry_without_chunks_gets_the_whole_blob(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.takes_chunks = False
    fake_registry.failures = [Answer(status=0)]
    open_repository(fake_registry.host, Credentials()).put_blob(DIGEST, CONTENT)
    assert fake_registry.blobs[DIGEST] == CONTENT


def test_upload_without_progress_is_given_up(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.cut_bytes = 0
    with pytest.raises(RunError) as caught:
        open_repository(fake_registry.host, Credentials()).put_blob(DIGEST, CONTENT)
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE


def test_blob_is_not_sent_again_when_only_the_answer_was_lost(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.blobs[DIGEST] = CONTENT
    fake_registry.failures = [Answer(status=0)]
    open_repository(fake_registry.host, Credentials()).put_blob(DIGEST, CONTENT)
    assert not [line for line in fake_registry.requests if line.startswith(('"PUT', '"PATCH'))]


def test_blob_is_read_over_a_link_that_is_cut(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.blobs[DIGEST] = CONTENT
    fake_registry.cut_bytes = CUT_BYTES
    assert _read(open_repository(fake_registry.host, Credentials())) == CONTENT
