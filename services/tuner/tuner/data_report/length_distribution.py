"""How long the examples are, from counts by length. Pure.

The counts need memory for each different length only, however many examples there are.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

PERCENTILES = (10, 50, 90, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthDistribution:
    """Lengths in tokens. The percentile p is the length that p % of the examples do not exceed."""

    examples: int
    total: int
    minimum: int
    p10: int
    median: int
    p90: int
    p99: int
    maximum: int

    def columns(self) -> Iterator[tuple[str, int]]:
        """Heading and value of each figure, as tables show them."""
        yield "min", self.minimum
        yield "10 %", self.p10
        yield "median", self.median
        yield "90 %", self.p90
        yield "99 %", self.p99
        yield "max", self.maximum


def distribution(counts: Mapping[int, int]) -> LengthDistribution | None:
    """The distribution of `counts`, from length to number of examples; None without examples."""
    lengths = sorted(length for length, count in counts.items() if count > 0)
    if not lengths:
        return None
    below = list(accumulate(counts[length] for length in lengths))
    p10, median, p90, p99 = (_percentile(lengths, below, percent) for percent in PERCENTILES)
    return LengthDistribution(
        examples=below[-1],
        total=sum(length * counts[length] for length in lengths),
        minimum=lengths[0],
        p10=p10,
        median=median,
        p90=p90,
        p99=p99,
        maximum=lengths[-1],
    )


def _percentile(lengths: list[int], below: list[int], percent: int) -> int:
    """By nearest rank: always a length that an example has."""
    # Whole numbers, as 0.99 * 100 is a little less than 99.
    rank = -(-percent * below[-1] // 100)
    return next(length for length, count in zip(lengths, below, strict=True) if count >= rank)
