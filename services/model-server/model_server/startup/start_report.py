"""How the model was started: the seconds of each phase, and what was measured before requests."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

from model_server.engine import Engine, MemoryUse, ObservableEngine
from model_server.startup.speed import Speed


class StartPhase(StrEnum):
    """What is done one after the other. `LOAD` ends when the model has generated a token."""

    LOAD = "load"
    WARM_UP = "warm-up"
    ADAPTERS = "adapters"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartReport:
    """`speed` is None where nothing was measured, `memory` where the engine does not tell."""

    seconds: dict[StartPhase, float] = field(default_factory=dict)
    speed: Speed | None = None
    memory: MemoryUse | None = None


class PhaseTimer:
    """Collects the seconds of phases."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.seconds: dict[StartPhase, float] = {}

    @contextmanager
    def phase(self, phase: StartPhase) -> Iterator[None]:
        """Counts the time within the context; a phase that fails is not counted."""
        started = self._clock()
        yield
        self.seconds[phase] = self._clock() - started


def memory_of(engine: Engine) -> MemoryUse | None:
    return engine.memory_use() if isinstance(engine, ObservableEngine) else None
