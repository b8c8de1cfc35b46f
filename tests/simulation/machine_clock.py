"""The clock of a machine: its time of day, which is set while its processes run."""

from datetime import datetime, timedelta

from kaito_kube.clock import Clock


class MachineClock:
    """The true time and the clock's error, which each `set_by` changes."""

    def __init__(self, true_clock: Clock) -> None:
        self._true = true_clock
        self._error = timedelta()

    def now(self) -> datetime:
        return self._true.now() + self._error

    def set_by(self, seconds: float) -> None:
        self._error += timedelta(seconds=seconds)
