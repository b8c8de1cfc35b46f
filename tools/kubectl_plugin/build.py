"""Builds all that users install the plugin from."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.kubectl_plugin import krew
from tools.kubectl_plugin.one_file import build_for
from tools.kubectl_plugin.platforms import Platform
from tools.kubectl_plugin.wheel import build_wheel
from tools.release import checksums


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to build from the checkout at `root`, into the folder `output`.

    The program for the platform `loose` is left as a file too, for trying it out. `timestamp` is
    that of the files in the archives, in seconds since the epoch. Without the URL of the
    `repository`, krew's manifest cannot say where the archives are, and is not written.
    """

    root: Path
    output: Path
    platforms: Sequence[Platform]
    version: str
    timestamp: int
    repository: str = ""
    loose: Platform | None = None


def build(request: Request, report: Callable[[str], None]) -> list[Path]:
    """Writes the wheel, the archives and krew's manifest.

    Raises:
        ReleaseError: a wheel is missing, or is not the one that the lock file knows.
    """
    output = request.output
    clear(output)
    files = [build_wheel(output, request.root)]
    digests: dict[Platform, str] = {}
    for target in request.platforms:
        report(f"{krew.PROGRAM} for {target.name}")
        with tempfile.TemporaryDirectory(dir=output, prefix=".plugin-") as folder:
            program = build_for(target, files[0], request.root, Path(folder, krew.PROGRAM))
            archive = output / krew.archive_name(target)
            krew.pack(program, request.root / "LICENSE", archive, request.timestamp)
            if target == request.loose:
                files.append(program.replace(output / krew.PROGRAM))
        files.append(archive)
        digests[target] = checksums.digest(archive)
    if request.repository:
        manifest = output / krew.MANIFEST
        manifest.write_text(krew.manifest(request.version, request.repository, digests))
        files.append(manifest)
    else:
        report(f"no {krew.MANIFEST}: --repository says where the archives can be downloaded")
    return files


def clear(output: Path) -> None:
    """Removes what an earlier build has left, and nothing else."""
    for pattern in ("kubectl_kaito-*.whl", f"{krew.PROGRAM}*", krew.MANIFEST):
        for old in output.glob(pattern):
            old.unlink()
