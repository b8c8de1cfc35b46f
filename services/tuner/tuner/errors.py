"""The tuner's error tree: `RunError` for what the user must hear of, `Terminated` for SIGTERM.

Each edge (HTTP, registry, torch, files) translates the errors of its libraries into `RunError`.
"""

from tuner.reasons import RETRYABLE, Reason


class RunError(Exception):
    """A run cannot go on; `message` says what is wrong, where, and what to do."""

    def __init__(self, reason: Reason, message: str, *, retryable: bool | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.retryable = reason in RETRYABLE if retryable is None else retryable


class Terminated(BaseException):
    """SIGTERM or SIGINT arrived. Not an `Exception`, so that no retry or clean-up swallows it."""
