"""The chart package is the same bytes for the same chart."""

import gzip
import io
import tarfile
from pathlib import Path

from tools.release import chart
from tools.venvs import ROOT


def _package(moment: int) -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as tar:
        member = tarfile.TarInfo("kaito/Chart.yaml")
        member.size, member.mtime, member.uname = 4, moment, f"user{moment}"
        tar.addfile(member, io.BytesIO(b"text"))
    return output.getvalue()


def test_package_keeps_its_files_and_loses_the_moment() -> None:
    first, second = (chart.normalized(_package(moment), 7) for moment in (1, 2))
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first))) as tar:
        (member,) = tar.getmembers()
        content = tar.extractfile(member)
        assert (member.name, member.mtime, member.uname) == ("kaito/Chart.yaml", 7, "")
        assert content and content.read() == b"text"


def test_crds_of_all_subcharts_are_copied(tmp_path: Path) -> None:
    copies = chart.copy_crds(ROOT / "charts" / "kaito", tmp_path / "crds")
    assert {path.name for path in copies} == {
        "kaito.sh_inferencesets.yaml",
        "kaito.sh_workspaces.yaml",
        "karpenter.sh_machines.yaml",
        "karpenter.sh_nodeclaims.yaml",
    }
