"""The bytes of a file that have arrived so far, kept for the next attempt and the next process."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx2

from tuner.sources.http_client import RANGE_NOT_SATISFIABLE


@dataclass(slots=True)
class PartialFile:
    """The file at `path`, and beside it a record of what it is a part of.

    `validator` is the strong ETag of the content, `expected` its size; empty and None if unknown.
    """

    path: Path
    identity_digest: str
    validator: str = ""
    expected: int | None = None

    @classmethod
    def open(cls, target: Path, identity: str) -> "PartialFile":
        """The part of `target` that an earlier download of the file of this `identity` left, or an
        empty one."""
        # By its digest: the identity is often a URL, which may hold secrets.
        digest = hashlib.sha256(identity.encode()).hexdigest()
        part = cls(target.with_name(target.name + ".part"), digest)
        try:
            record = json.loads(part._record.read_bytes())
            if record["identity_digest"] == digest:
                part.validator, part.expected = str(record["validator"]), record["expected"]
        except (OSError, ValueError, KeyError, TypeError):
            pass
        if not part.validator:
            part.discard()
        return part

    def request_headers(self) -> dict[str, str]:
        """The headers that request the missing bytes, or all of them."""
        # No compression: a range of a compressed body says nothing about the bytes on disk.
        headers = {"Accept-Encoding": "identity"}
        if self.validator and self.size():
            headers |= {"Range": f"bytes={self.size()}-", "If-Range": self.validator}
        return headers

    def accept(self, response: httpx2.Response) -> bool:
        """Prepare for the body of `response`; False if it does not continue this part."""
        start = 0
        if response.status_code == 206:
            start = self.size()
            content_range = response.headers.get("content-range", "")
            if not content_range.startswith(f"bytes {start}-"):
                self.discard()
                return False
        elif response.status_code == RANGE_NOT_SATISFIABLE:
            self.discard()
            return False
        else:
            self.discard()
            etag = str(response.headers.get("etag", ""))
            # A weak ETag promises equivalent content, not equal bytes: RFC 9110 forbids it in
            # If-Range.
            self.validator = "" if etag.startswith("W/") else etag
        self.expected = _expected_size(response, start)
        # Before the first byte: the process may be killed at any later one.
        self.keep()
        return True

    def is_complete(self) -> bool:
        """True if all bytes have arrived, and are known to be of one and the same content."""
        return bool(self.validator) and self.expected is not None and self.size() == self.expected

    def size(self) -> int:
        """The number of bytes on disk."""
        return self.path.stat().st_size if self.path.exists() else 0

    def complete(self, target: Path) -> None:
        """Give the file its final name."""
        os.replace(self.path, target)
        self._record.unlink(missing_ok=True)

    def keep(self) -> None:
        """Leave what a later download can resume from, and nothing else."""
        if not self.validator:
            self.path.unlink(missing_ok=True)
            return
        record = {name: value for name, value in asdict(self).items() if name != "path"}
        self._record.write_text(json.dumps(record))

    def discard(self) -> None:
        """Forget what has arrived."""
        self.validator, self.expected = "", None
        self.path.unlink(missing_ok=True)
        self._record.unlink(missing_ok=True)

    @property
    def _record(self) -> Path:
        # The leading dot hides it from the listing of data files.
        return self.path.with_name(f".{self.path.name}.json")


def _expected_size(response: httpx2.Response, start: int) -> int | None:
    length = response.headers.get("content-length", "")
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    return start + int(length) if length.isdigit() and not encoded else None
