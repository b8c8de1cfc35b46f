"""A data file to report on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tuner.data.row import Row
from tuner.formats.reader import describe_format, read_rows
from tuner.layout.layout import SplitFile


@dataclass(frozen=True, slots=True)
class InputFile:
    """A data file in `directory`; reports call it `file.name`, which is relative to it."""

    directory: Path
    file: SplitFile

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.directory / self.file.name

    @property
    def is_validation(self) -> bool:
        """Whether its rows evaluate the training only."""
        return self.file.split == "validation"

    def rows(self) -> Iterator[Row]:
        """All rows.

        Raises:
            RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
        """
        return read_rows(self.path, self.file.name)

    def format(self) -> str:
        """The format in words."""
        return describe_format(self.path)
