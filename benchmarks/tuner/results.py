"""The table, and the last line."""

from collections.abc import Iterator, Mapping

from benchmarks.tuner.contenders import BEST, PLAIN, TUNER
from benchmarks.tuner.measurement import Measurement

_BASE = ""


def report(
    measured: Mapping[str, Measurement], losses: Mapping[str, float], tokens: int
) -> Iterator[str]:
    """Tokens per processor second over those of each peer, and the loss beside the lower one."""
    yield f"{tokens} tokens without padding; the base model's loss is {losses[_BASE]:.3f}"
    yield (
        f"{'':<12}{'updates':>9}{'tokens/CPU s':>14}{'CPU s':>8}{'wall s':>8}{'loss held out':>15}"
    )
    for name, took in measured.items():
        yield (
            f"{name:<12}{took.updates:>9}{tokens / took.cpu_seconds:>14.0f}{took.cpu_seconds:>8.1f}"
            f"{took.wall_seconds:>8.1f}{losses[name]:>15.4f}"
        )
    own = measured[TUNER].cpu_seconds
    lowest = min(losses[PLAIN], losses[BEST])
    yield ""
    yield (
        f"tuner: {measured[PLAIN].cpu_seconds / own:.2f}x plain, "
        f"{measured[BEST].cpu_seconds / own:.2f}x best-known, "
        f"loss difference {losses[TUNER] / lowest - 1:+.1%}"
    )
