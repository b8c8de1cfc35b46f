"""docs/tuning.md and the code tell the same."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from tuner.reasons import RETRYABLE, Reason
from tuner.settings import Settings

PAGE = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text()


class Recorder(Mapping[str, str]):
    """An empty environment that remembers what was asked of it."""

    def __init__(self) -> None:
        self.asked: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.asked.add(key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def test_every_variable_is_listed() -> None:
    recorder = Recorder()
    Settings.from_env(recorder)
    rows = [
        line.split("|")[1] for line in PAGE.split("## Environment")[1].splitlines() if "`" in line
    ]
    assert set(re.findall(r"`([A-Z_]+)`", " ".join(rows))) == recorder.asked


def test_every_reason_is_listed() -> None:
    rows = re.findall(r"^\| `([A-Z][A-Za-z]+)` \| .* \| (\w+).*\|$", PAGE, re.MULTILINE)
    found = {name: heals for name, heals in rows if heals in ("yes", "no")}
    assert set(found) == set(Reason)
    assert {name for name, heals in found.items() if heals == "yes"} == RETRYABLE
