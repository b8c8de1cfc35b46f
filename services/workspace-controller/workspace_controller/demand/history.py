"""What the demand asked for in the last minutes. Pure.

As in a HorizontalPodAutoscaler, recommendations are remembered and not loads: they stay small, and
equal ones that follow each other are one span.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` until `until`, as many `replicas` as this were needed."""

    since: datetime
    until: datetime
    replicas: int


History = tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class SetDemand:
    """`requests` is the mean number at once in the last sample; None where no gateway reports."""

    requests: float | None = None
    history: History = ()


def extended(
    history: History, now: datetime, replicas: int, *, keep: timedelta, gap: timedelta
) -> History:
    """The history with one more sample, without what is older than `keep`.

    After a longer silence than `gap`, and where the clock went back, it starts over: nobody knows
    what was needed meanwhile.
    """
    if not history or not timedelta() <= now - history[-1].until <= gap:
        return (Span(now, now, replicas),)
    last = history[-1]
    recent = tuple(span for span in history if now - span.until <= keep)
    if last.replicas == replicas:
        return (*recent[:-1], replace(last, until=now))
    return (*recent, Span(last.until, now, replicas))


def lowest(history: History, now: datetime, window: timedelta) -> int | None:
    """The fewest replicas that were needed in the window; None unless all of it is known."""
    return min(_within(history, now, window), default=None)


def highest(history: History, now: datetime, window: timedelta) -> int | None:
    """The most replicas that were needed in the window; None unless all of it is known."""
    return max(_within(history, now, window), default=None)


def _within(history: History, now: datetime, window: timedelta) -> Iterator[int]:
    begins = now - window
    if not history or history[0].since > begins:
        return
    yield from (span.replicas for span in history if span.until > begins)
