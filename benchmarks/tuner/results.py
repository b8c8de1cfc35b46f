"""The table, and the last line. Pure."""

from collections.abc import Iterator
from enum import StrEnum

from benchmarks.tuner.contenders import BEST, PLAIN, TUNER
from benchmarks.tuner.measure import Outcome
from benchmarks.tuner.measurement import Measurement

_BASE = ""
_GIB = 2**30


class Clock(StrEnum):
    """Whose seconds count: on a machine that others use, too, those of the processor."""

    CPU = "CPU s"
    WALL = "wall s"

    def seconds(self, took: Measurement) -> float:
        return took.cpu_seconds if self is Clock.CPU else took.wall_seconds


def report(outcome: Outcome, clock: Clock) -> Iterator[str]:
    """Tokens per second over those of each peer, and the loss beside the lower one."""
    measured, losses, tokens = outcome.measured, outcome.losses, outcome.tokens
    yield f"{tokens} tokens without padding; the base model's loss is {losses[_BASE]:.3f}"
    yield (
        f"{'':<12}{'updates':>9}{f'tokens/{clock}':>15}{'CPU s':>8}{'wall s':>8}"
        f"{'peak GiB':>10}{'loss held out':>15}"
    )
    for name, took in measured.items():
        yield (
            f"{name:<12}{took.updates:>9}{tokens / clock.seconds(took):>15.0f}"
            f"{took.cpu_seconds:>8.1f}{took.wall_seconds:>8.1f}"
            f"{took.peak_memory_bytes / _GIB:>10.2f}{losses[name]:>15.4f}"
        )
    own = clock.seconds(measured[TUNER])
    lowest = min(losses[PLAIN], losses[BEST])
    yield ""
    yield (
        f"tuner: {clock.seconds(measured[PLAIN]) / own:.2f}x plain, "
        f"{clock.seconds(measured[BEST]) / own:.2f}x best-known, "
        f"loss difference {losses[TUNER] / lowest - 1:+.1%}"
    )
