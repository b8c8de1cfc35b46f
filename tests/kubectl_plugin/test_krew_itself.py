"""krew takes the manifest, and installs from it a plugin that kubectl runs.

`make krew` builds krew with Go and runs this.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.kubectl_plugin import krew
from tools.kubectl_plugin.platforms import PLATFORMS, this_platform
from tools.release import checksums
from tools.venvs import ROOT

pytestmark = pytest.mark.skipif(
    shutil.which("krew") is None or this_platform() is None, reason="run `make krew`"
)
URL = "https://example.com/team/kaito"


@pytest.fixture
def release(program: Path, tmp_path: Path) -> Path:
    """A folder with the archive of this platform and the manifest."""
    here = this_platform()
    assert here is not None
    archive = krew.pack(program, ROOT / "LICENSE", tmp_path / krew.archive_name(here), 0)
    sha256 = checksums.digest(archive)
    text = krew.manifest("1.2.3", URL, dict.fromkeys(PLATFORMS, sha256))
    (tmp_path / krew.MANIFEST).write_text(text)
    return tmp_path


def run(*command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    line = [str(part) for part in command]
    environment = {**os.environ, "PYTHONPATH": "", **variables}
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=100)


def test_krews_own_check_takes_the_manifest(release: Path) -> None:
    checked = run("validate-krew-manifest", "-manifest", release / krew.MANIFEST, "-skip-install")
    assert checked.returncode == 0, checked.stderr


def test_krew_installs_a_plugin_that_kubectl_runs(release: Path) -> None:
    here = this_platform()
    assert here is not None
    root = {"KREW_ROOT": str(release / "krew"), "HOME": str(release)}
    installed = run(
        "krew", "install", "--manifest", release / krew.MANIFEST,
        "--archive", release / krew.archive_name(here), **root,
    )  # fmt: skip
    assert installed.returncode == 0, installed.stderr
    path = f"{release / 'krew' / 'bin'}:{os.environ['PATH']}"
    shown = run("kubectl", "kaito", "--help", **root, PATH=path)
    assert "Usage: kubectl kaito" in shown.stdout, shown.stderr
    assert (release / "krew" / "store" / "kaito" / "v1.2.3" / "LICENSE").exists()
