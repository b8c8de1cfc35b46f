"""The complete files of an interrupted fetch: the next one fetches only the others."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from tuner.data.dataset import file_sha256

# The leading dot hides it from the listing of data files.
RECORD_NAME = ".kaito-downloads.json"


@dataclass(slots=True)
class CompletedDownloads:
    """The complete files of `directory`: name → digests of URL and content."""

    directory: Path
    _files: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> "CompletedDownloads":
        """What an interrupted fetch left in `directory`; nothing if the record is missing."""
        try:
            files = json.loads((directory / RECORD_NAME).read_bytes())
        except (OSError, ValueError):
            files = {}
        return cls(directory, files if isinstance(files, dict) else {})

    def holds(self, url: str, name: str) -> bool:
        """True if the file `name` is the complete and unaltered content of `url`."""
        path = self.directory / name
        return path.is_file() and self._files.get(name) == _digests(url, path)

    def add(self, url: str, name: str) -> None:
        """Record that the file `name` is complete."""
        self._files[name] = _digests(url, self.directory / name)
        part = self.directory / f"{RECORD_NAME}.part"
        part.write_text(json.dumps(self._files))
        part.replace(self.directory / RECORD_NAME)

    def forget(self) -> None:
        """Remove the record."""
        (self.directory / RECORD_NAME).unlink(missing_ok=True)


def _digests(url: str, path: Path) -> list[str]:
    # The URL by its digest: it may hold secrets.
    return [hashlib.sha256(url.encode()).hexdigest(), file_sha256(path)]
