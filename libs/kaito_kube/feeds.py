"""What a process watches, and when it last heard from each: a feed that went deaf is found.

Quiet and deaf differ because every watch is bounded: the server ends it after some minutes, and
the next one is an answer.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from kaito_process.outage import Outage

logger = logging.getLogger(__name__)

# Two bounded watches and the longest pause between tries take less.
DEAF_SECONDS = 600.0
# An API server that restarts is away for less.
_OUTAGE_SECONDS = 60.0
# A watch that is refused is refused at once. One that stays open for so long works.
_SETTLE_SECONDS = 5.0


@dataclass(slots=True)
class Feed:
    """The watch of one kind, for example of "nodes". Used from one event loop."""

    name: str
    _heard: float = field(default_factory=lambda: _now())
    _outage: Outage = field(init=False)

    def __post_init__(self) -> None:
        self._outage = Outage(logger, f"watch {self.name}")

    def heard(self) -> None:
        """The server sent an event, or answered a list or a watch."""
        self._heard = _now()

    def failed(self, error: Exception) -> None:
        """The server refused or did not answer."""
        self._outage.failed(error, _now())

    def works(self) -> None:
        """A watch is open: an outage has ended."""
        self.heard()
        self._outage.ended(_now())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """While a watch is open. It works when it has not failed after a moment."""
        timer = asyncio.get_running_loop().call_later(_SETTLE_SECONDS, self.works)
        try:
            yield
        finally:
            timer.cancel()

    @property
    def silent_seconds(self) -> float:
        return _now() - self._heard

    @property
    def problem(self) -> str | None:
        """Why the process should be restarted, or None."""
        if self.silent_seconds < DEAF_SECONDS:
            return None
        silence = f"neither an event nor a fresh watch for {self.silent_seconds:.0f} s"
        return f"{self.name}: {silence}{self._cause}"

    @property
    def outage(self) -> str | None:
        """Why the process cannot do its work now, or None. It goes on by itself: the watch is
        tried again."""
        seconds = self._outage.seconds(_now())
        if seconds < _OUTAGE_SECONDS:
            return None
        return f"{self.name}: cannot be watched for {seconds:.0f} s{self._cause}"

    @property
    def unlisted(self) -> str:
        """The name, and why the first listing is missing if it was refused."""
        return f"{self.name}{self._cause}"

    @property
    def _cause(self) -> str:
        return f" ({self._outage.message})" if self._outage.message else ""


@dataclass(eq=False)
class Feeds(Collector):
    """All feeds of a process, with a metric for each."""

    _feeds: dict[str, Feed] = field(default_factory=dict)

    def open(self, name: str) -> Feed:
        """The feed of that name, which counts as heard when it is opened."""
        return self._feeds.setdefault(name, Feed(name))

    def problem(self) -> str | None:
        """The feeds that went deaf, as a health check says it; None if there are none."""
        problems = [feed.problem for feed in self._feeds.values()]
        return "; ".join(problem for problem in problems if problem) or None

    def not_ready_reason(self, unlisted: Sequence[str]) -> str | None:
        """Why the process is not ready: kinds whose first listing is missing, and feeds that have
        failed for a while. None if it is ready."""
        missing = ", ".join(self.open(name).unlisted for name in unlisted)
        problems = [
            f"not listed yet: {missing}" if missing else None,
            *(f.problem or f.outage for name, f in self._feeds.items() if name not in unlisted),
        ]
        return "; ".join(problem for problem in problems if problem) or None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "kaito_feed_silent_seconds",
            "Seconds since the API server sent an event or answered a list or watch.",
            labels=["feed"],
        )
        for name, feed in self._feeds.items():
            family.add_metric([name], feed.silent_seconds)
        yield family


def _now() -> float:
    return asyncio.get_running_loop().time()
