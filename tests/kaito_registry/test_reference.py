"""Parsing image references."""

import pytest

from kaito_registry.reference import parse_reference

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "host", "full"),
    [
        ("acr.azurecr.io/a/b:0.0.1", "acr.azurecr.io", "acr.azurecr.io/a/b:0.0.1"),
        ("172.30.0.1:5000/a:1", "172.30.0.1:5000", "172.30.0.1:5000/a:1"),
        ("localhost/a", "localhost", "localhost/a:latest"),
        ("[fd00::1]:5000/a:1", "[fd00::1]:5000", "[fd00::1]:5000/a:1"),
        ("me/a:1", "registry-1.docker.io", "docker.io/me/a:1"),
        ("a", "registry-1.docker.io", "docker.io/library/a:latest"),
        (f"h.io/a@{DIGEST}", "h.io", f"h.io/a@{DIGEST}"),
        (f"h.io:5000/a:1@{DIGEST}", "h.io:5000", f"h.io:5000/a@{DIGEST}"),
    ],
)
def test_reference_is_parsed(text: str, host: str, full: str) -> None:
    reference = parse_reference(text)
    assert reference.host == host
    assert str(reference) == full


def test_digest_names_the_manifest_before_the_tag() -> None:
    reference = parse_reference(f"h.io/a:1@{DIGEST}")
    assert (reference.tag, reference.target) == ("1", DIGEST)
    assert parse_reference("h.io/a:1").target == "1"
    assert parse_reference("h.io/a:1").at(DIGEST) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h.io/",
        "h.io/A:1",
        "h.io/a:",
        "h.io/a:ta g",
        "h.io/a@sha256:0",
        "h.io/a@",
        f"h.io/a@{DIGEST}@{DIGEST}",
        "https://h.io/a:1",
        "h.io/a//b:1",
        "h.io/../b:1",
        "ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1",
    ],
)
def test_invalid_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an image reference"):
        parse_reference(text)
