"""Certificates: the requests to openssl, and that the results match them."""

from pathlib import Path

import pytest

from tools.local_cluster.pki import certificates
from tools.local_cluster.pki.certificates import Certificate
from tools.local_cluster.processes.commands import attempt, run


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pki")
    certificates.create_all(folder)
    return folder


@pytest.mark.parametrize(
    ("certificate", "subject"),
    [
        pytest.param(Certificate(name="a", common_name="user"), "/CN=user", id="no group"),
        pytest.param(
            Certificate(name="a", common_name="user", organization="system:masters"),
            "/O=system:masters/CN=user",
            id="group",
        ),
    ],
)
def test_subject_contains_group_and_user(certificate: Certificate, subject: str) -> None:
    assert certificates.subject(certificate) == subject


def test_only_servers_have_subject_alternative_names() -> None:
    server = Certificate(name="s", common_name="s", hosts=("kubernetes", "10.96.0.1"))
    assert "subjectAltName=DNS:kubernetes,IP:10.96.0.1" in certificates.extensions(server)
    client = certificates.extensions(Certificate(name="c", common_name="c"))
    assert "extendedKeyUsage=clientAuth" in client
    assert not [text for text in client if text.startswith("subjectAltName")]


@pytest.mark.parametrize("certificate", certificates.CONTROL_PLANE, ids=lambda c: c.name)
def test_certificate_is_signed_by_its_authority(pki: Path, certificate: Certificate) -> None:
    authority = certificates.pair(pki, certificate.authority).cert
    signed = certificates.pair(pki, certificate.name).cert
    assert attempt("openssl", "verify", "-CAfile", str(authority), str(signed))


def test_kubelet_certificate_has_the_identity_that_the_node_authorizer_expects(pki: Path) -> None:
    kubelet = certificates.create(pki, certificates.kubelet_certificate("gpu-1", "172.30.0.11"))
    text = run("openssl", "x509", "-in", str(kubelet.cert), "-noout", "-subject")
    assert "O = system:nodes, CN = system:node:gpu-1" in text
    assert kubelet.key.stat().st_mode & 0o077 == 0


def test_existing_certificate_is_kept(pki: Path) -> None:
    before = certificates.pair(pki, "admin").cert.read_bytes()
    assert certificates.create(pki, certificates.CONTROL_PLANE[2]).cert.read_bytes() == before
