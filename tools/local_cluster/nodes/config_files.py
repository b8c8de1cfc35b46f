"""Configuration files that are written only when their content changes."""

from pathlib import Path


def write_if_changed(path: Path, text: str) -> None:
    """Write the file unless it already has this content.

    kube-proxy exits whenever its configuration file is written, even with the same content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
