"""How much of an evaluation is computed at a time. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EvaluationRoom:
    """At most `tokens` at a time, padding included; None: whatever a batch has."""

    tokens: int | None = None

    def holds(self, tokens: int) -> bool:
        """Whether so many may be tried at a time."""
        return self.tokens is None or tokens <= self.tokens

    @classmethod
    def below(cls, tokens: int) -> "EvaluationRoom":
        """Half of the `tokens` that did not fit. The half of an odd number of rows is larger, and
        is divided again."""
        return cls(max(1, tokens // 2))

    @classmethod
    def after_deaths(cls, deaths: int, batch: int, longest: int) -> "EvaluationRoom":
        """After so many processes in a row were killed, most often for their memory: half for each.

        `batch` examples of up to `longest` tokens are evaluated at a time.
        """
        return cls(max(longest, batch * longest >> deaths)) if deaths else cls()
