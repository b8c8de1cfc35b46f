"""One URL → one complete file, or an error. Half a file never carries the final name."""

import errno
import os
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tuner.data.guard import Guard
from tuner.data.meter import Meter
from tuner.data.names import shown
from tuner.data.transfer import get, unreachable
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.retry import Patience, TransientError, persist


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Fetches URLs. `max_bytes` bounds each file; `patience` says how passing errors are met."""

    client: httpx2.Client
    guard: Guard
    max_bytes: int
    patience: Patience

    def download(self, url: str, target: Path) -> None:
        """Stores the content of `url` as `target`.

        A transfer that breaks off goes on where it was when the server can tell that the content
        is still the same. Errors: RunError(DATA_UNREACHABLE | DATA_TOO_LARGE).
        """
        part = _Part(target.with_name(target.name + ".part"))
        try:
            persist(lambda: self._attempt(url, part), self.patience)
            os.replace(part.path, target)
        except TransientError as error:
            raise unreachable(url, str(error)) from error
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise too_large(url, "the data volume is full", "use a larger disk") from error
        finally:
            part.path.unlink(missing_ok=True)

    def _attempt(self, url: str, part: "_Part") -> None:
        with get(self.client, self.guard, url, part.range_headers()) as response:
            start = part.accept(response)
            expected = _expected(response, start)
            self._check_size(url, expected or 0)
            meter = Meter(part.path.stem, expected, start)
            try:
                self._receive(url, response, part, meter)
            finally:
                meter.close()
        if expected is not None and part.size() != expected:
            raise TransientError(f"{shown(url)}: got {part.size()} of {expected} bytes")

    def _receive(self, url: str, response: httpx2.Response, part: "_Part", meter: Meter) -> None:
        with part.path.open("ab") as file:
            # As they arrive: collecting larger chunks would lose them when the transfer breaks.
            for chunk in response.iter_bytes():
                file.write(chunk)
                self._check_size(url, file.tell())
                meter.add(len(chunk))
            file.flush()
            os.fsync(file.fileno())

    def _check_size(self, url: str, size: int) -> None:
        if size > self.max_bytes:
            raise too_large(
                url,
                f"it has more than {self.max_bytes} bytes, the most allowed",
                "use a smaller data set, or raise the chart's maxDataBytes (KAITO_MAX_DATA_BYTES)",
            )


@dataclass(slots=True)
class _Part:
    """The bytes that have arrived, and what says that more of the same can be asked for."""

    path: Path
    validator: str = ""

    def range_headers(self) -> dict[str, str]:
        # Plain bytes are asked for: a range of a compressed body could not be told apart.
        headers = {"Accept-Encoding": "identity"}
        if self.validator and self.size():
            headers |= {"Range": f"bytes={self.size()}-", "If-Range": self.validator}
        return headers

    def accept(self, response: httpx2.Response) -> int:
        """Makes room for the body of `response`; the offset at which it starts."""
        if response.status_code == 206:
            return self.size()
        self.path.unlink(missing_ok=True)
        etag = str(response.headers.get("etag", ""))
        self.validator = "" if etag.startswith("W/") else etag
        return 0

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0


def too_large(url: str, what: str, remedy: str) -> RunError:
    """A RunError(DATA_TOO_LARGE) that names the URL."""
    return RunError(Reason.DATA_TOO_LARGE, f"{shown(url)} is too large: {what}; {remedy}")


def _expected(response: httpx2.Response, start: int) -> int | None:
    length = response.headers.get("content-length", "")
    encoded = response.headers.get("content-encoding", "identity") != "identity"
    return start + int(length) if length.isdigit() and not encoded else None
