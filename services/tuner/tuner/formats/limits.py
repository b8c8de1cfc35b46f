"""How much of a data file may be in memory at once, and how much may come out of an archive."""

from tuner.errors import RunError
from tuner.formats.label import FileLabel, human_size
from tuner.reasons import Reason

HEAD_BYTES = 2**20
CHUNK_BYTES = 2**20
# No row that a model learns from is longer; a file with a longer one is not made of rows.
MAX_ROW_CHARS = 64 * 2**20
# Deeper values cannot be written again, as Python's encoder recurses for each level.
MAX_NESTING = 100


class UnpackedBytes:
    """Counts what comes out of one file's compression, archives and encodings, up to `limit`."""

    def __init__(self, label: FileLabel, limit: int | None) -> None:
        self._label = label
        self._limit = limit
        self._count = 0

    def add(self, count: int) -> None:
        """Count `count` more bytes.

        Raises:
            RunError: DATA_TOO_LARGE.
        """
        self._count += count
        if self._limit is not None and self._count > self._limit:
            raise RunError(
                Reason.DATA_TOO_LARGE,
                f"{self._label} unpacks to more than {human_size(self._limit)}; use a smaller "
                "dataset, or raise the chart's maxDataBytes (KAITO_MAX_DATA_BYTES)",
            )
