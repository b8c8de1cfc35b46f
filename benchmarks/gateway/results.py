"""The table and the last line, from what all rounds measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.gateway.cases import MANY, PACED, UNPACED, Case
from benchmarks.gateway.contenders import BARE, DIRECT, GATEWAY, LITELLM

# What each contender measured in each round, by the key of the case and its name.
Rounds = Mapping[tuple[str, str], Sequence["Round"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One case against one contender. CPU and memory are the contender's process alone."""

    answers: int
    p50_ms: float
    p99_ms: float
    longest_live_ms: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


def p50(measured: Round) -> float:
    return measured.p50_ms


def p99(measured: Round) -> float:
    return measured.p99_ms


def cpu_ms(rounds: Sequence[Round]) -> float:
    """CPU per answer, over all rounds."""
    return 1000 * sum(r.cpu_seconds for r in rounds) / sum(r.answers for r in rounds)


def table(case: Case, rounds: Rounds, names: Sequence[str]) -> list[str]:
    """The lines of one case; latencies are the median of the rounds, less those of `direct`."""
    lines = [
        f"({case.key}) {case.title}",
        f"{'':<12}{'CPU ms/answer':>14}{'x bare':>8}{'p50 over direct':>17}"
        f"{'p99 over direct':>17}{'peak MB':>9}{'longest /livez':>16}",
    ]
    direct = rounds[case.key, DIRECT]
    bare = rounds.get((case.key, BARE))
    for name in names:
        found = rounds.get((case.key, name))
        if not found:
            continue
        cost = cpu_ms(found)
        ratio = f"{cost / cpu_ms(bare):.2f}" if bare else "-"
        live = max(r.longest_live_ms for r in found)
        lines.append(
            f"{name:<12}{cost:>14.2f}{ratio:>8}"
            f"{over(found, direct, p50):>+14.0f} ms{over(found, direct, p99):>+14.0f} ms"
            f"{max(r.peak_mb for r in found):>9.0f}" + (f"{live:>13.0f} ms" if live else "")
        )
    latencies = "".join(f"{median(map(each, direct)):>14.0f} ms" for each in (p50, p99))
    return [*lines, f"{DIRECT:<34}{latencies}"]


def over(
    found: Sequence[Round], direct: Sequence[Round], quantile: Callable[[Round], float]
) -> float:
    """How much a quantile of the latency is above that of the server behind it, in ms."""
    return median(map(quantile, found)) - median(map(quantile, direct))


def last_line(rounds: Rounds) -> str:
    """The one line to compare runs by; n/a for what was left out."""

    def of(case: Case, name: str) -> Sequence[Round]:
        return rounds.get((case.key, name), ())

    ours, theirs = of(UNPACED, GATEWAY), of(UNPACED, LITELLM)
    times = f"{cpu_ms(theirs) / cpu_ms(ours):.1f}x" if ours and theirs else "n/a"
    paced, direct = of(PACED, GATEWAY), of(PACED, DIRECT)
    late = f"{over(paced, direct, p99):+.0f}" if paced and direct else "n/a"
    peaks = [r.peak_mb for r in of(MANY, GATEWAY)]
    memory = f"{max(peaks):.0f}" if peaks else "n/a"
    return f"gateway: {times} litellm, p99 {late} ms over direct at 512 streams, {memory} MB"
