"""Counts of how requests ended, and what must not have happened. Pure."""

from collections import Counter
from dataclasses import dataclass, field

from tests.soak.answers import MIXED, RIGHT, WRONG

# The client hung up, and what it had received was the beginning of the right answer.
LEFT = "left"
_SHOWN = 10


@dataclass(slots=True)
class Outcomes:
    """`by_api` counts answers by (API, outcome); an outcome is one of the words, or an error.

    `allowed_errors` are those of a model that a fault concerned at that time.
    """

    by_api: Counter[tuple[str, str]] = field(default_factory=Counter)
    allowed_errors: Counter[str] = field(default_factory=Counter)
    healthy_errors: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        return sum(count for (_, word), count in self.by_api.items() if word == outcome)

    def answer(self, api: str, outcome: str, about: str) -> None:
        """Count an answer, or the beginning of one."""
        self.by_api[api, outcome] += 1
        if outcome in (WRONG, MIXED):
            self._show(f"{outcome}: {api} {about}")

    def error(self, api: str, error: str, *, allowed: bool) -> None:
        """Count a request that had no answer."""
        self.by_api[api, "error"] += 1
        if allowed:
            self.allowed_errors[error] += 1
        else:
            self.healthy_errors[error] += 1
            self._show(f"error on a healthy model: {api} {error}")

    @property
    def failed(self) -> bool:
        return bool(self.count(WRONG) or self.count(MIXED) or self.healthy_errors)

    def lines(self) -> list[str]:
        apis = sorted({api for api, _ in self.by_api})
        rows = [f"{api:<34} {self._row(api)}" for api in apis]
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        allowed = ", ".join(f"{name} {count}" for name, count in self.allowed_errors.items())
        return [
            *rows,
            f"faults: {faults or 'none'}",
            f"errors of models that a fault concerned: {allowed or 'none'}",
            *self.shown,
            f"soak: {self.by_api.total()} requests, {self.count(RIGHT)} right, "
            f"{self.count(LEFT)} hung up, {self.count(WRONG)} wrong, {self.count(MIXED)} mixed, "
            f"{self.healthy_errors.total()} errors on healthy models",
        ]

    def _row(self, api: str) -> str:
        words = sorted((word, count) for (name, word), count in self.by_api.items() if name == api)
        return "  ".join(f"{word} {count}" for word, count in words)

    def _show(self, line: str) -> None:
        if len(self.shown) < _SHOWN:
            self.shown.append(line[:600])
