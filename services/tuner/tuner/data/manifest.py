"""The manifest of a fetched dataset: what was fetched, and from where.

It is written last and atomically, so its presence means that the files were complete.
"""

import json
from dataclasses import asdict
from pathlib import Path

from tuner.data.dataset import DataFile, Dataset

# The leading dot hides it from the listing of data files.
MANIFEST_NAME = ".kaito-data.json"


def read_manifest(path: Path) -> tuple[str, Dataset] | None:
    """The source and the dataset that `write_manifest` recorded; None if missing or broken."""
    try:
        document = json.loads(path.read_bytes())
        files = tuple(DataFile(**file) for file in document["files"])
        return str(document["source"]), Dataset(files=files)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write_manifest(path: Path, source: str, data: Dataset) -> None:
    """Record that `data` was fetched from `source`, a digest of URLs and columns."""
    document = {"source": source, "digest": data.digest, **asdict(data)}
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(document, indent=1))
    part.replace(path)
