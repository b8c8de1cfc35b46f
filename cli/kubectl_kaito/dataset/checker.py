"""The seam to the reader of datasets, which is the tuner's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kubectl_kaito.errors import CommandError


class CheckUnavailable(CommandError):
    """The libraries that read datasets are not installed; the message says how to get them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetReport:
    """`summary` is one line of rows, losses, tokens and steps; `problem` is why it is no data.

    `tokens` are those of one epoch, and `trained_tokens` those of all. `exact`: a tokenizer has
    counted them; otherwise they are a quarter of the characters.
    """

    summary: str
    rows: int
    dropped: int
    tokens: int
    trained_tokens: int
    steps: int
    exact: bool
    problem: str = ""


class DatasetChecker(Protocol):
    def check(self, path: Path, method: str) -> DatasetReport:
        """Reads all rows of the file.

        Raises:
            CheckUnavailable: the libraries for it are not installed.
            CommandError: the file is no dataset; the message says why.
        """
        ...
