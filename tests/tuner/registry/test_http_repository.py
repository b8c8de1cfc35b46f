"""HttpRepository against the fake and the real registry."""

from pathlib import Path

import pytest

from tests.tuner.registry.conftest import GOOD, Open
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.credentials import Credentials
from tuner.registry.fake import Auth, FakeRegistry
from tuner.registry.image import sha256

CONTENT = b"content" * 100_000
DIGEST = sha256(CONTENT)


def test_blob_is_read_back_unchanged(open_host: str, open_repository: Open, tmp_path: Path) -> None:
    repository = open_repository(open_host, Credentials())
    (tmp_path / "blob").write_bytes(CONTENT)
    assert not repository.has_blob(DIGEST)
    repository.put_blob(DIGEST, tmp_path / "blob")
    repository.put_blob(sha256(b"{}"), b"{}")
    assert repository.has_blob(DIGEST)
    assert b"".join(repository.read_blob(DIGEST)) == CONTENT
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


@pytest.mark.parametrize("failures", [[503], [0], [429, 500]], ids=str)
def test_transient_failures_are_retried(
    failures: list[int], fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.failures = failures
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
    fake_registry.failures = failures
    with pytest.raises(RunError) as caught:
        open_repository(fake_registry.host, Credentials()).put_blob(DIGEST, CONTENT)
    assert caught.value.reason is reason
    assert caught.value.retryable
    assert f"{fake_registry.host}/team/adapter:1" in caught.value.message


def test_refused_connection_is_unreachable(open_repository: Open) -> None:
    with pytest.raises(RunError, match=r"registry 127\.0\.0\.1:1 does not answer") as caught:
        open_repository("127.0.0.1:1", GOOD).has_blob(DIGEST)
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
