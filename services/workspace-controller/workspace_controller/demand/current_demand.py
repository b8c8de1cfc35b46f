"""The present sums of one replica, and who wants to hear of each change."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from workspace_controller.demand.report import Report
from workspace_controller.demand.sums import (
    Demand,
    mean_requests,
    with_report,
    without_silent,
)


@dataclass(slots=True)
class CurrentDemand:
    """Every replica has one: the gateways report to all of them."""

    monotonic: Callable[[], float] = time.monotonic
    _demand: Demand = field(default_factory=Demand)
    _marked: tuple[Demand, Demand] = field(default_factory=lambda: (Demand(), Demand()))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, report: Report) -> None:
        """Adds a report to the sums.

        Raises:
            UnknownGateway: the gateway has to report everything.
        """
        self._demand = with_report(self._demand, report, self.monotonic())
        self._changed.set()
        self._changed = asyncio.Event()

    def sums(self) -> Demand:
        """The sums now."""
        self._demand = without_silent(self._demand, self.monotonic())
        return self._demand

    def mark(self) -> None:
        """Begins a new period: `requests` is the mean since the beginning of the last one."""
        self._marked = (self._marked[1], self.sums())

    def requests(self, model: str) -> float | None:
        """The mean number of requests at once, held and in flight; None where no gateway counts."""
        return mean_requests(self._marked[0], self.sums(), model)

    @property
    def next_report(self) -> asyncio.Event:
        """Set with the next report. Take it before you look at the sums, or you miss one."""
        return self._changed
