"""The chart package and the CRDs."""

import gzip
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from tools.release.programs import run


def package(helm: str, chart: Path, target: Path, mtime: int) -> None:
    """Packages a chart with Helm, then sets every time in the package to `mtime`.

    Raises:
        ReleaseError: Helm refuses the chart.
    """
    with tempfile.TemporaryDirectory(prefix="kaito-chart-") as folder:
        run([helm, "package", chart, "--destination", folder])
        (written,) = Path(folder).iterdir()
        target.write_bytes(normalized(written.read_bytes(), mtime))


def normalized(package: bytes, mtime: int) -> bytes:
    """The same .tgz without anything of the machine and the moment that it was made on and at."""
    output = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as source,
        gzip.GzipFile(fileobj=output, mode="wb", filename="", mtime=mtime) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as target,
    ):
        for member in source:
            member.mtime, member.uid, member.gid = mtime, 0, 0
            member.uname = member.gname = ""
            target.addfile(member, source.extractfile(member))
    return output.getvalue()


def copy_crds(chart: Path, folder: Path) -> list[Path]:
    """Copies the CRDs of all subcharts into a folder; returns the copies."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted(chart.glob("charts/*/files/crds/*.yaml"))
    return [Path(shutil.copyfile(source, folder / source.name)) for source in sources]
