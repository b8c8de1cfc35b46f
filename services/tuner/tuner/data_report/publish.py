"""Leaves the report where people and programs look for it: in the log, and in a file."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from tuner.data_report.report import DataReport
from tuner.data_report.text import render_text
from tuner.results import REPORT_NAME

logger = logging.getLogger(__name__)


def publish(report: DataReport, directories: Iterable[Path]) -> None:
    """Log `report` line by line, and write it into the first of `directories` that is writable."""
    for line in render_text(report).split("\n"):
        logger.info("%s", line)
    document = json.dumps(report.to_json(), indent=1)
    for directory in directories:
        try:
            _write(directory / REPORT_NAME, document)
        except OSError as error:
            logger.debug("no report in %s: %s", directory, error.strerror)
        else:
            return


def _write(path: Path, document: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(document, encoding="utf-8")
    part.replace(path)
