"""The complete files of an interrupted fetch: the next one fetches only the others."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from tuner.file_digest import file_sha256
from tuner.sources.remote_file import RemoteFile

# The leading dot hides it from the listing of data files.
RECORD_NAME = ".kaito-downloads.json"


@dataclass(slots=True)
class CompletedDownloads:
    """The complete files of `directory`: name → digests of identity and content."""

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

    def holds(self, file: RemoteFile, name: str) -> bool:
        """True if the file `name` is the complete and unaltered content of `file`."""
        path = self.directory / name
        if not path.is_file():
            return False
        if file.sha256 is not None:
            return file_sha256(path) == file.sha256
        return self._files.get(name) == _digests(file, path)

    def add(self, file: RemoteFile, name: str) -> None:
        """Record that the file `name` is complete."""
        self._files[name] = _digests(file, self.directory / name)
        part = self.directory / f"{RECORD_NAME}.part"
        part.write_text(json.dumps(self._files))
        part.replace(self.directory / RECORD_NAME)

    def forget(self) -> None:
        """Remove the record."""
        (self.directory / RECORD_NAME).unlink(missing_ok=True)


def _digests(file: RemoteFile, path: Path) -> list[str]:
    # The identity by its digest: it is often a URL, which may hold secrets.
    return [hashlib.sha256(file.identity.encode()).hexdigest(), file_sha256(path)]
