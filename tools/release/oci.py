"""OCI image layouts, and archives of them that are the same bytes for the same image."""

import json
import tarfile
from pathlib import Path

from tools.release.errors import ReleaseError


def manifest_digest(layout: Path) -> str:
    """The digest of the only image in a layout: what a registry will know it by.

    Raises:
        ReleaseError: the layout does not hold exactly one image.
    """
    manifests = json.loads((layout / "index.json").read_text())["manifests"]
    if len(manifests) != 1:
        raise ReleaseError(f"{layout} holds {len(manifests)} images, not one: remove the folder")
    digest: str = manifests[0]["digest"]
    return digest


def pack(layout: Path, archive: Path, mtime: int) -> None:
    """Writes a layout as an OCI archive. Blobs are compressed already, so the tar is not."""
    files = sorted(path for path in layout.rglob("*") if path.is_file())
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files:
            member = tarfile.TarInfo(str(path.relative_to(layout)))
            member.size, member.mtime, member.mode = path.stat().st_size, mtime, 0o644
            with path.open("rb") as content:
                tar.addfile(member, content)
