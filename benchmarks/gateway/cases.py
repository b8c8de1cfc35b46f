"""The loads: how many clients, and what each of them asks for, one answer after the other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`chunks` pieces of text with `pause_ms` before each; no chunks are one whole answer.

    The clients begin over `ramp_seconds`. LiteLLM is left out where it would take minutes.
    """

    key: str
    title: str
    clients: int
    chunks: int
    pause_ms: int = 0
    seconds: float = 2.0
    ramp_seconds: float = 0.0
    with_litellm: bool = True

    def arguments(self, seconds_factor: float) -> list[str]:
        """The arguments of `load run`."""
        return [
            *("-clients", str(self.clients), "-chunks", str(self.chunks)),
            *("-pause", str(self.pause_ms), "-ramp", str(self.ramp_seconds)),
            *("-seconds", str(self.seconds * seconds_factor)),
        ]


UNPACED = Case(key="a", title="32 chunks at once, 32 concurrent", clients=32, chunks=32)
PACED = Case(key="b", title="512 streams, a chunk every 10 ms", clients=512, chunks=32, pause_ms=10)
MANY = Case(
    key="c",
    title="2,000 streams, a chunk every 250 ms",
    clients=2000,
    chunks=32,
    pause_ms=250,
    seconds=0.0,
    ramp_seconds=2.0,
    with_litellm=False,
)
WHOLE = Case(key="d", title="small whole answers, 32 concurrent", clients=32, chunks=0, seconds=1.5)
CASES = (UNPACED, PACED, MANY, WHOLE)
