"""Remembers that the data cannot be used, so that a restarted container does not fetch it again.

The kubelet restarts a failed container every five minutes, for as long as nobody corrects the data.
"""

from contextlib import AbstractContextManager
from pathlib import Path

from tuner.failure_record import recorded_failures
from tuner.reasons import Reason

# The leading dot hides it from the listing of data files.
RECORD_NAME = ".kaito-failure.json"
# Data that is corrected at the same address is noticed after this time at the latest.
_MEMORY_SECONDS = 3600
# What is found out only once the data is fetched.
_REASONS = frozenset(
    {
        Reason.DATA_UNREADABLE,
        Reason.DATA_ROWS_LOST,
        Reason.DATA_COLUMN_MISSING,
        Reason.DATA_EMPTY,
        Reason.DATA_TOO_LARGE,
    }
)


def remembering_unusable_data(
    directory: Path, pod_uid: str, now: float
) -> AbstractContextManager[None]:
    """Within the block, record in `directory` what is wrong with the data; raise it if recorded.

    `now` is in seconds of a clock that never goes back; each hour is an attempt of its own.

    Raises:
        RunError: the block failed, now or in an earlier process of the same pod.
    """
    attempt = f"{pod_uid}/{int(now // _MEMORY_SECONDS)}" if pod_uid else ""
    return recorded_failures(directory / RECORD_NAME, attempt, _REASONS)
