"""Keeps the event that has nothing but the usage from a client that did not ask for it. Pure."""

import re

_END = b"\n\n"
# OpenAI's last event before [DONE], where the usage is asked for.
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class UsageEventFilter:
    """Passes a stream on by whole events."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, part: bytes) -> bytes:
        """What may be passed on of the stream so far."""
        *events, self._begun = (self._begun + part).split(_END)
        return b"".join(each + _END for each in events if not _NO_CHOICES.search(each))

    def end(self) -> bytes:
        """What is left when the stream has ended inside an event."""
        return self._begun
