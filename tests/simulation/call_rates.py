"""How often processes may call Azure and the API server, in total and for a single claim."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.simulation.process import Process
from tests.simulation.simulation import Simulation
from tests.simulation.violation import ViolationKind

# Calls that were decided before the throttling response arrived may still be sent after it.
_EARLY_CALLS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBounds:
    """Calls that are a storm if there are more of them."""

    arm_calls_per_minute: int
    arm_calls_per_claim: int
    api_writes_per_minute: int


@dataclass(eq=False)
class CallRates:
    sim: Simulation
    bounds: RateBounds
    report: Callable[[ViolationKind, str, str], None]
    _minute: int = -1
    _calls: Counter[str] = field(default_factory=Counter)
    _shut: dict[tuple[Process, str], float] = field(default_factory=dict)
    _early: Counter[tuple[Process, str]] = field(default_factory=Counter)

    def on_arm_call(self, process: Process, lane: str, about: str) -> None:
        self._count("ARM calls", self.bounds.arm_calls_per_minute, "")
        if about:
            self._count(f"ARM calls for {about}", self.bounds.arm_calls_per_claim, about)
        place = (process, lane)
        if self.sim.now < self._shut.get(place, 0.0) - 0.1:
            self._early[place] += 1
            if self._early[place] == _EARLY_CALLS + 1:
                self.report(
                    ViolationKind.STUCK, about, f"{process.name} ignores Retry-After of {lane}"
                )

    def on_api_call(self, who: str, writes: bool) -> None:
        if writes:
            self._count("API writes", self.bounds.api_writes_per_minute, "")

    def on_throttled(self, process: Process, lane: str, seconds: float) -> None:
        """Record for how long the process must not call."""
        place = (process, lane)
        self._shut[place] = max(self._shut.get(place, 0.0), self.sim.now + seconds)
        self._early[place] = 0

    def _count(self, what: str, most: int, about: str) -> None:
        minute = int(self.sim.now // 60)
        if minute != self._minute:
            self._minute, self._calls = minute, Counter()
        self._calls[what] += 1
        if self._calls[what] == most + 1:
            self.report(ViolationKind.STUCK, about, f"a storm: more than {most} {what} a minute")
