"""The push secret's file."""

from pathlib import Path

import pytest

from kaito_registry.reference import Reference
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.push_secret import read_push_secret

REFERENCE = Reference("a.io", "team/adapter", "1")
SECRET = "the secret 'push'"


def test_credentials_of_the_registry_are_read(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text('{"auths": {"a.io": {"username": "u", "password": "p"}}}')
    assert read_push_secret(path, REFERENCE, SECRET).username == "u"


def test_missing_file_means_no_credentials(tmp_path: Path) -> None:
    assert not read_push_secret(tmp_path / "absent", REFERENCE, SECRET)


@pytest.mark.parametrize("content", ["", "[]", '{"auths": {"a.io": 1}}'])
def test_wrong_file_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(content)
    with pytest.raises(RunError, match=f"{SECRET} is not a Docker") as caught:
        read_push_secret(path, REFERENCE, SECRET)
    assert caught.value.reason is Reason.PUSH_UNAUTHORIZED
    assert "kubectl create secret docker-registry" in caught.value.message
