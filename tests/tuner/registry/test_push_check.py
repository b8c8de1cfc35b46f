"""What a push would fail with is known before there is an adapter."""

import pytest

from kaito_registry.credentials import Credentials
from kaito_registry.fake import Answer, FakeRegistry
from tests.tuner.registry.conftest import GOOD, Open
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.http_repository import HttpRepository
from tuner.registry.push_check import check_push

OWN = b'{"annotations": {"ai.kaito.workspace": "team/ws"}}'


def check(repository: HttpRepository) -> None:
    check_push(repository.client.reference, "team/ws", repository)


def test_check_of_any_registry_leaves_nothing(basic_host: str, open_repository: Open) -> None:
    repository = open_repository(basic_host, GOOD)
    check(repository)
    assert repository.read_manifest("1") is None


def test_upload_is_started_and_canceled(fake_registry: FakeRegistry, open_repository: Open) -> None:
    check(open_repository(fake_registry.host, Credentials()))
    assert [line.split()[0] for line in fake_registry.requests] == ['"GET', '"POST', '"DELETE']
    assert not fake_registry.uploads and not fake_registry.blobs and not fake_registry.manifests


def test_image_of_the_same_workspace_may_be_replaced(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.manifests["1"] = OWN
    check(open_repository(fake_registry.host, Credentials()))
    assert fake_registry.manifests == {"1": OWN}


def test_tag_of_another_image_is_named(fake_registry: FakeRegistry, open_repository: Open) -> None:
    fake_registry.manifests["1"] = b'{"annotations": {"ai.kaito.workspace": "team/other"}}'
    with pytest.raises(RunError, match="is already another image") as caught:
        check(open_repository(fake_registry.host, Credentials()))
    assert caught.value.reason is Reason.PUSH_FAILED and caught.value.retryable


def test_tag_of_another_image_may_be_overwritten(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    fake_registry.manifests["1"] = b'{"annotations": {"ai.kaito.workspace": "team/other"}}'
    repository = open_repository(fake_registry.host, Credentials())
    check_push(repository.client.reference, "team/ws", repository, overwrite=True)


def test_wrong_password_is_refused(basic_host: str, open_repository: Open) -> None:
    with pytest.raises(RunError) as caught:
        check(open_repository(basic_host, Credentials("user", "wrong")))
    assert caught.value.reason is Reason.PUSH_UNAUTHORIZED


def test_registry_that_takes_no_uploads_is_named(
    fake_registry: FakeRegistry, open_repository: Open
) -> None:
    read_only = Answer(status=405, body=b'{"errors":[{"code":"UNSUPPORTED"}]}')
    fake_registry.failures = [Answer(status=404), read_only]
    with pytest.raises(RunError, match="POST answered 405") as caught:
        check(open_repository(fake_registry.host, Credentials()))
    assert caught.value.reason is Reason.PUSH_FAILED


@pytest.mark.parametrize("status", [405, 500, 0], ids=["unsupported", "broken", "cut off"])
def test_upload_that_cannot_be_canceled_is_no_failure(
    status: int, fake_registry: FakeRegistry, open_repository: Open
) -> None:
    accepted = Answer(status=202, headers={"Location": "/v2/team/adapter/blobs/uploads/9"})
    fake_registry.failures = [Answer(status=404), accepted, Answer(status=status)]
    check(open_repository(fake_registry.host, Credentials()))
    assert len(fake_registry.requests) >= 2
