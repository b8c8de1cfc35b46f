"""The tuner's error tree: `RunError` for the user, `Terminated` for SIGTERM.

Each edge (HTTP, registry, torch, files) translates the errors of its libraries into `RunError`.
"""

from collections.abc import Mapping
from typing import Any

from tuner.reasons import RETRYABLE, Reason


class RunError(Exception):
    """The run cannot continue; `message` says what is wrong, where, and what to do.

    `data` is the report on the data, as far as it fits into a termination message.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        retryable: bool | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.data = data
        self.retryable = reason in RETRYABLE if retryable is None else retryable


class Terminated(BaseException):
    """SIGTERM or SIGINT arrived. Not an `Exception`, so that no retry or cleanup swallows it."""


def unexpected_error(error: Exception) -> RunError:
    """Wrap an error that no edge translates: a bug, or a library's surprise."""
    lines = str(error).strip().splitlines()
    summary = f"{type(error).__name__}: {lines[-1] if lines else ''}"
    return RunError(
        Reason.TRAINING_FAILED,
        f"the tuner failed unexpectedly: {summary}; see the container's log for the details",
    )
