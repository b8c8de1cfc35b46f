"""A reader of datasets that finds what it is given."""

from dataclasses import dataclass, field
from pathlib import Path

from kubectl_kaito.dataset.checker import DatasetReport

_REPORT = DatasetReport(
    summary="1,000 rows, about 200,000 tokens; 188 steps",
    rows=1000,
    dropped=0,
    tokens=200_000,
    trained_tokens=600_000,
    steps=188,
    exact=False,
)


@dataclass
class FakeChecker:
    """`error` is raised in place of a report. `checked` are the files that were read."""

    report: DatasetReport = _REPORT
    error: Exception | None = None
    checked: list[Path] = field(default_factory=list)

    def check(self, path: Path, method: str) -> DatasetReport:
        self.checked.append(path)
        if self.error is not None:
            raise self.error
        return self.report
