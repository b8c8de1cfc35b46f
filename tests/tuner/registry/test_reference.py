"""Parsing image references."""

import pytest

from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.registry.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "host", "full"),
    [
        ("acr.azurecr.io/a/b:0.0.1", "acr.azurecr.io", "acr.azurecr.io/a/b:0.0.1"),
        ("172.30.0.1:5000/a:1", "172.30.0.1:5000", "172.30.0.1:5000/a:1"),
        ("localhost/a", "localhost", "localhost/a:latest"),
        ("[fd00::1]:5000/a:1", "[fd00::1]:5000", "[fd00::1]:5000/a:1"),
        ("me/a:1", "registry-1.docker.io", "docker.io/me/a:1"),
        ("a", "registry-1.docker.io", "docker.io/library/a:latest"),
    ],
)
def test_reference_is_parsed(text: str, host: str, full: str) -> None:
    reference = parse_reference(text)
    assert reference.host == host
    assert str(reference) == full


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h.io/",
        "h.io/A:1",
        "h.io/a:",
        "h.io/a:ta g",
        "h.io/a@sha256:" + "0" * 64,
        "https://h.io/a:1",
        "h.io/a//b:1",
        "h.io/../b:1",
        "ACR_REPO_HERE.azurecr.io/IMAGE_NAME_HERE:0.0.1",
    ],
)
def test_invalid_reference_is_refused(text: str) -> None:
    with pytest.raises(RunError, match="use <registry>/<repository>:<tag>") as caught:
        parse_reference(text)
    assert caught.value.reason is Reason.PUSH_FAILED
    assert not caught.value.retryable
    assert repr(text) in caught.value.message
