"""Memory of processes over time, and how fast it grows."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.processes.service import Service

_INTERVAL_SECONDS = 2.0
_SECONDS_PER_HOUR = 3600.0
# While a process warms up, its pools and caches fill.
_WARM_UP_SHARE = 1 / 3
Sample = tuple[float, float]


@dataclass(slots=True)
class MemoryLog:
    """Samples of (seconds, MB) by process."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    async def follow(
        self,
        services: Callable[[], Sequence[Service]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Sample until canceled."""
        while True:
            for service in services():
                sample = clock(), service.resident_mb
                self.samples.setdefault(service.name, []).append(sample)
            await asyncio.sleep(_INTERVAL_SECONDS)

    def lines(self) -> list[str]:
        return [
            f"memory of {name}: {samples[0][1]:.0f} MB at first, {samples[-1][1]:.0f} MB at last, "
            f"{slope_mb_per_hour(samples):+.1f} MB per hour"
            for name, samples in self.samples.items()
        ]


def slope_mb_per_hour(samples: Sequence[Sample]) -> float:
    """The least-squares slope after the first third of the time. Pure."""
    start, end = samples[0][0], samples[-1][0]
    warm = [each for each in samples if each[0] >= start + (end - start) * _WARM_UP_SHARE]
    mean_seconds = sum(seconds for seconds, _ in warm) / len(warm)
    mean_mb = sum(mb for _, mb in warm) / len(warm)
    spread = sum((seconds - mean_seconds) ** 2 for seconds, _ in warm)
    shared = sum((seconds - mean_seconds) * (mb - mean_mb) for seconds, mb in warm)
    return shared / spread * _SECONDS_PER_HOUR if spread else 0.0
