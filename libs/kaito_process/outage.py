"""Logs an outage when it begins, when its cause changes, and when it ends: never at each try."""

import logging
from dataclasses import dataclass


@dataclass(slots=True)
class Outage:
    """`what` does not work, in words that follow "cannot", for example "watch nodes".

    Moments are seconds of a monotonic clock.
    """

    logger: logging.Logger
    what: str
    _since: float | None = None
    _cause: type | None = None
    _message: str = ""

    @property
    def message(self) -> str:
        """The message of the last failure; empty while there is no outage."""
        return self._message

    def seconds(self, now: float) -> float:
        """How long it has lasted; 0 while there is no outage."""
        return 0.0 if self._since is None else now - self._since

    def failed(self, error: Exception, now: float) -> None:
        """Records a failure. Causes are distinguished by the class of the error, because messages
        contain ports and times."""
        if self._since is None:
            self._since = now
        if self._cause is not type(error):
            self._cause = type(error)
            self.logger.warning("cannot %s: %s; trying again", self.what, _describe(error))
        self._message = _describe(error)

    def ended(self, now: float) -> None:
        """Records a success."""
        if self._since is not None:
            self.logger.info("can %s again, after %.0f s", self.what, now - self._since)
        self._since, self._cause, self._message = None, None, ""


def _describe(error: Exception) -> str:
    """The message, and the class where the message alone says little, as that of a KeyError."""
    kind = type(error)
    return f"{kind.__name__}: {error}" if kind.__module__ == "builtins" else str(error)
