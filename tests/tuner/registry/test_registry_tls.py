"""Registries whose certificate is of a private CA."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from kaito_registry.fake import FakeRegistry
from tests.kaito_registry import certificates
from tests.tuner.registry.conftest import GOOD, Open
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.output_repository import new_client

needs_openssl = pytest.mark.skipif(
    shutil.which(certificates.PROGRAM) is None, reason="needs openssl to make certificates"
)


def _has_blob(host: str, ca_file: Path | None, open_repository: Open) -> bool:
    repository = open_repository(host, GOOD)
    with new_client(ca_file) as client:
        repository.client = replace(repository.client, client=client, insecure=False)
        return repository.has_blob("sha256:absent")


@needs_openssl
def test_registry_of_a_private_ca_is_trusted(open_repository: Open, tmp_path: Path) -> None:
    ca = certificates.issue(tmp_path)
    with FakeRegistry(auth="basic").running(ca.server) as registry:
        assert not _has_blob(registry.host, ca.certificate, open_repository)
        assert registry.authorizations == ["", registry.basic()]


@needs_openssl
@pytest.mark.parametrize("ca_file", [None, Path("/absent")], ids=["none", "missing"])
def test_unknown_ca_is_the_remedy(
    ca_file: Path | None, open_repository: Open, tmp_path: Path
) -> None:
    ca = certificates.issue(tmp_path)
    with FakeRegistry().running(ca.server) as registry:
        with pytest.raises(RunError, match=r"to the secret 'push' under the key ca\.crt") as caught:
            _has_blob(registry.host, ca_file, open_repository)
        assert not registry.requests
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
    assert "plain HTTP" not in caught.value.message


@needs_openssl
def test_certificate_of_another_name_is_reported(open_repository: Open, tmp_path: Path) -> None:
    ca = certificates.issue(tmp_path, "127.0.0.2")
    with (
        FakeRegistry().running(ca.server) as registry,
        pytest.raises(RunError, match="a certificate that is valid for this name") as caught,
    ):
        _has_blob(registry.host, ca.certificate, open_repository)
    assert "ca.crt" not in caught.value.message


def test_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nonsense")
    with pytest.raises(RunError, match="holds no CA certificate in PEM form") as caught:
        new_client(tmp_path / "ca.crt")
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "holds nothing"),
        ("", "holds no CA certificate"),
        ("no PEM", "holds no CA certificate"),
    ],
)
def test_config_map_without_a_certificate_is_named(
    content: str | None, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "ca.crt"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RunError) as caught:
        new_client(file, "company-ca")
    assert caught.value.reason is Reason.REGISTRY_UNREACHABLE
    assert f"the ConfigMap 'company-ca' {says}" in caught.value.message
    assert "under the key ca.crt" in caught.value.message


@needs_openssl
def test_certificate_of_a_config_map_is_trusted(open_repository: Open, tmp_path: Path) -> None:
    ca = certificates.issue(tmp_path)
    with FakeRegistry().running(ca.server) as registry, new_client(ca.certificate, "ca") as client:
        repository = open_repository(registry.host, GOOD)
        repository.client = replace(repository.client, client=client, insecure=False)
        assert not repository.has_blob("sha256:absent")
