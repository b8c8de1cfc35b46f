"""Keeps the event that has nothing but the usage from a client that did not ask for it. Pure."""

import re

# Some servers end their lines as HTTP does.
_END = re.compile(rb"\r?\n\r?\n")
# OpenAI's last event before [DONE], where the usage is asked for.
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class UsageEventFilter:
    """Passes a stream on by whole events."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, part: bytes) -> bytes:
        """What may be passed on of the stream so far."""
        come, passed, start = self._begun + part, b"", 0
        for end in _END.finditer(come):
            event, start = come[start : end.end()], end.end()
            passed += b"" if _NO_CHOICES.search(event) else event
        self._begun = come[start:]
        return passed

    def end(self) -> bytes:
        """What is left when the stream has ended inside an event."""
        return self._begun
