"""Downloads one URL into one complete file. A partial file never has the final name."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tuner.data.http_client import data_unreachable, get
from tuner.data.ssrf_guard import SsrfGuard
from tuner.data.transfer_progress import TransferProgress
from tuner.data.urls import redact_url
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.retry import RetryPolicy, TransientError

# No space left, disk quota exceeded, file too large: all three mean that the volume is full.
VOLUME_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Downloads URLs. `max_bytes` limits each file."""

    client: httpx2.Client
    guard: SsrfGuard
    max_bytes: int
    retry_policy: RetryPolicy

    def download(self, url: str, target: Path) -> None:
        """Store the content of `url` as `target`.

        A broken transfer resumes where it stopped if the server can prove that the content is
        unchanged.

        Raises:
            RunError: DATA_UNREACHABLE or DATA_TOO_LARGE.
        """
        part = _PartialFile(target.with_name(target.name + ".part"))
        try:
            self.retry_policy.call(lambda: self._attempt(url, part))
            os.replace(part.path, target)
        except TransientError as error:
            raise data_unreachable(url, str(error)) from error
        except OSError as error:
            if error.errno not in VOLUME_FULL:
                raise
            raise _too_large(url, "the data volume is full", "use a larger disk") from error
        finally:
            part.path.unlink(missing_ok=True)

    def _attempt(self, url: str, part: "_PartialFile") -> None:
        with get(self.client, self.guard, url, part.request_headers()) as response:
            start = part.accept(response)
            expected = _expected_size(response, start)
            self._check_size(url, expected or 0)
            progress = TransferProgress(part.path.stem, expected, start)
            try:
                self._receive(url, response, part, progress)
            finally:
                progress.close()
        if expected is not None and part.size() != expected:
            raise TransientError(f"{redact_url(url)}: got {part.size()} of {expected} bytes")

    def _receive(
        self, url: str, response: httpx2.Response, part: "_PartialFile", progress: TransferProgress
    ) -> None:
        with part.path.open("ab") as file:
            # Write chunks as they arrive: a larger buffer would be lost when the transfer breaks.
            for chunk in response.iter_bytes():
                file.write(chunk)
                self._check_size(url, file.tell())
                progress.add(len(chunk))
            file.flush()
            os.fsync(file.fileno())

    def _check_size(self, url: str, size: int) -> None:
        if size > self.max_bytes:
            raise _too_large(
                url,
                f"it has more than {self.max_bytes} bytes, the limit",
                "use a smaller dataset, or raise the chart's maxDataBytes (KAITO_MAX_DATA_BYTES)",
            )


@dataclass(slots=True)
class _PartialFile:
    """The bytes that have arrived. `validator` is the strong ETag of their content, if any."""

    path: Path
    validator: str = ""

    def request_headers(self) -> dict[str, str]:
        """The headers that request the missing bytes, or all of them."""
        # No compression: a range of a compressed body says nothing about the bytes on disk.
        headers = {"Accept-Encoding": "identity"}
        if self.validator and self.size():
            headers |= {"Range": f"bytes={self.size()}-", "If-Range": self.validator}
        return headers

    def accept(self, response: httpx2.Response) -> int:
        """Prepare for the body of `response` and return the offset at which it starts."""
        if response.status_code == 206:
            return self.size()
        self.path.unlink(missing_ok=True)
        etag = str(response.headers.get("etag", ""))
        # A weak ETag promises equivalent content, not equal bytes: RFC 9110 forbids it in If-Range.
        self.validator = "" if etag.startswith("W/") else etag
        return 0

    def size(self) -> int:
        """The number of bytes on disk."""
        return self.path.stat().st_size if self.path.exists() else 0


def _too_large(url: str, problem: str, remedy: str) -> RunError:
    return RunError(Reason.DATA_TOO_LARGE, f"{redact_url(url)} is too large: {problem}; {remedy}")


def _expected_size(response: httpx2.Response, start: int) -> int | None:
    length = response.headers.get("content-length", "")
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    return start + int(length) if length.isdigit() and not encoded else None
