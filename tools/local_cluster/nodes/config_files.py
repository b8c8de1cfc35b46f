"""Configuration files, written only where they would change."""

from pathlib import Path


def write_if_changed(path: Path, text: str) -> None:
    """Has the file hold that text. One that holds it already is left alone: kube-proxy ends
    when its configuration is written, whatever is written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
