"""Programs that a release needs."""

from pathlib import Path

import pytest

from tools.release.errors import ReleaseError
from tools.release.programs import require, run


def test_all_missing_programs_are_named_with_their_remedies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("KAITO_CACHE", str(tmp_path))
    with pytest.raises(ReleaseError) as refused:
        require("buildah", "helm")
    assert "buildah: install it (Debian, Ubuntu: apt-get install buildah)" in str(refused.value)
    assert "helm: run `python -m tools.local_cluster build`" in str(refused.value)


def test_failure_shows_the_command_and_what_it_printed() -> None:
    with pytest.raises(ReleaseError, match="sh -c echo no >&2; exit 3: no"):
        run(["sh", "-c", "echo no >&2; exit 3"])
