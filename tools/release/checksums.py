"""SHA256SUMS, as sha256sum(1) writes and checks it."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

FILE = "SHA256SUMS"


def digest(path: Path) -> str:
    """The SHA-256 of a file in hex."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def digests(folder: Path, files: Iterable[Path]) -> dict[str, str]:
    """The digest of every file by its path below `folder`, in order."""
    return {str(path.relative_to(folder)): digest(path) for path in sorted(files)}


def render(sums: Mapping[str, str]) -> str:
    """The text of SHA256SUMS."""
    return "".join(f"{sha256}  {name}\n" for name, sha256 in sorted(sums.items()))


def parse(text: str) -> dict[str, str]:
    """The digests of a SHA256SUMS by file."""
    pairs = (line.split("  ", 1) for line in text.splitlines() if line)
    return {name: sha256 for sha256, name in pairs}


def mismatches(folder: Path) -> list[str]:
    """The listed files that are missing or changed; empty when the folder holds what it should."""
    sums = parse((folder / FILE).read_text())
    return [
        name
        for name, sha256 in sums.items()
        if not (folder / name).is_file() or digest(folder / name) != sha256
    ]
