"""A data file to report on."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.records import ShapedRow, read_shaped_rows
from tuner.data_report.build import ReportFile
from tuner.formats.reader import describe_format
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

    def rows(self, config: DatasetConfig) -> Iterator[ShapedRow]:
        """All rows.

        Raises:
            RunError: the file cannot be read, or has no shape.
        """
        return read_shaped_rows([self.file], self.directory, config)

    def describe(self) -> ReportFile:
        """Name, format and size.

        Raises:
            RunError: DATA_UNREADABLE or DATA_TOO_LARGE.
        """
        return ReportFile(
            name=self.file.name,
            format=describe_format(self.path),
            size=self.path.stat().st_size,
        )
