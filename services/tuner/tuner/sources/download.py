"""Downloads one file of a source. A partial file never has the final name."""

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2

from kaito_process.retry_policy import MINIMUM_BYTES_PER_SECOND, RetryPolicy, TransientError
from tuner.errors import RunError
from tuner.file_digest import file_sha256
from tuner.reasons import Reason
from tuner.sources.http_client import get
from tuner.sources.minimum_rate import RATE_WINDOW_SECONDS, MinimumRate
from tuner.sources.partial_file import PartialFile
from tuner.sources.remote_file import RemoteFile
from tuner.sources.ssrf_guard import SsrfGuard
from tuner.sources.transfer_progress import TransferProgress
from tuner.sources.unreachable import data_unreachable

# No space left, disk quota exceeded, file too large: all three mean that the volume is full.
VOLUME_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

SMALLER = "use a smaller dataset, or raise the chart's maxDataBytes (KAITO_MAX_DATA_BYTES)"
# What is read into memory: descriptions and lists of files, never data.
MAX_BYTES_READ = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Downloader:
    """Downloads files. `max_bytes` limits all files of a dataset together."""

    client: httpx2.Client
    guard: SsrfGuard
    max_bytes: int
    retry_policy: RetryPolicy

    def download(self, file: RemoteFile, target: Path, other_bytes: int = 0) -> None:
        """Store `file` as `target`, beside files of `other_bytes` in all.

        A broken transfer resumes where it stopped if the server can prove that the content is
        unchanged, also in a later call: what has arrived is kept beside `target`.

        Raises:
            RunError: DATA_UNREACHABLE, DATA_TOO_LARGE, or DATA_UNREADABLE if its digest is wrong.
        """
        part = PartialFile.open(target, file.identity)
        limit = self.max_bytes - other_bytes
        try:
            self.retry_policy.call(lambda: self._attempt(file, part, limit), part.size)
            if file.sha256 is not None:
                _check_digest(file, file.sha256, part)
            part.complete(target)
        except TransientError as error:
            part.keep()
            raise data_unreachable(file.address, str(error)) from error
        except OSError as error:
            part.discard()
            if error.errno not in VOLUME_FULL:
                raise
            raise _too_large(file, "the data volume is full", "use a larger disk") from error
        except RunError:
            part.discard()
            raise

    def check_known_sizes(self, files: Sequence[RemoteFile]) -> None:
        """Raise DATA_TOO_LARGE if the sizes that are known exceed the limit together."""
        total = sum(file.size or 0 for file in files)
        if total > self.max_bytes:
            raise RunError(
                Reason.DATA_TOO_LARGE,
                f"the {len(files)} files of the dataset have {total} bytes, more than the limit of "
                f"{self.max_bytes}; {SMALLER}",
            )

    def read(self, file: RemoteFile) -> bytes:
        """The content of `file`, a small one.

        Raises:
            RunError: DATA_UNREACHABLE or DATA_TOO_LARGE.
        """
        try:
            return self.retry_policy.call(lambda: self._read(file))
        except TransientError as error:
            raise data_unreachable(file.address, str(error)) from error

    def _read(self, file: RemoteFile) -> bytes:
        content = bytearray()
        with get(self.client, self.guard, file, {"Accept-Encoding": "identity"}) as response:
            for chunk in response.iter_bytes():
                content += chunk
                self._check_size(file, len(content), min(self.max_bytes, MAX_BYTES_READ))
        return bytes(content)

    def _attempt(self, file: RemoteFile, part: PartialFile, limit: int) -> None:
        if part.is_complete():
            return
        with get(self.client, self.guard, file, part.request_headers()) as response:
            if not part.accept(response):
                raise TransientError(f"{file.address}: its content has changed meanwhile")
            self._check_size(file, part.expected or 0, limit)
            progress = TransferProgress(part.path.stem, part.expected, part.size())
            try:
                self._receive(file, response, part, progress, limit)
            finally:
                progress.close()
        if part.expected is not None and part.size() != part.expected:
            raise TransientError(f"{file.address}: got {part.size()} of {part.expected} bytes")

    def _receive(
        self,
        file: RemoteFile,
        response: httpx2.Response,
        part: PartialFile,
        progress: TransferProgress,
        limit: int,
    ) -> None:
        rate = MinimumRate(self.retry_policy.clock)
        with part.path.open("ab") as output:
            # Write chunks as they arrive: a larger buffer would be lost when the transfer breaks.
            for chunk in response.iter_bytes():
                output.write(chunk)
                self._check_size(file, output.tell(), limit)
                progress.add(len(chunk))
                if not rate.add(len(chunk)):
                    raise TransientError(
                        f"{file.address}: less than {MINIMUM_BYTES_PER_SECOND} bytes a second "
                        f"arrived in {RATE_WINDOW_SECONDS:.0f} seconds"
                    )
            output.flush()
            os.fsync(output.fileno())

    def _check_size(self, file: RemoteFile, size: int, limit: int) -> None:
        if size > limit:
            other = self.max_bytes - limit
            problem = f"it has more than {limit} bytes"
            beside = f", what the other files' {other} bytes leave of" if other else ","
            raise _too_large(
                file,
                f"{problem}{beside} the limit{f' of {self.max_bytes}' if other else ''}",
                SMALLER,
            )


def _check_digest(file: RemoteFile, expected: str, part: PartialFile) -> None:
    found = file_sha256(part.path)
    if found != expected:
        raise RunError(
            Reason.DATA_UNREADABLE,
            f"{file.address} is another file than expected: its SHA-256 is {found}, not "
            f"{expected}; correct the digest after #sha256= if the new content is right",
        )


def _too_large(file: RemoteFile, problem: str, remedy: str) -> RunError:
    return RunError(Reason.DATA_TOO_LARGE, f"{file.address} is too large: {problem}; {remedy}")
