"""The first phase: URLs → checked files and a manifest in the data directory."""

import hashlib
import json
import logging
from pathlib import Path

from tuner.config.sections import DatasetConfig
from tuner.data.dataset import (
    MANIFEST,
    DataSet,
    data_file_names,
    inspect,
    intact,
    read_manifest,
    write_manifest,
)
from tuner.data.download import Downloader
from tuner.data.names import file_names, shown

logger = logging.getLogger(__name__)


def fetch(
    urls: tuple[str, ...], directory: Path, config: DatasetConfig, downloader: Downloader
) -> DataSet:
    """The data set of `urls`, complete in `directory`. Does nothing when it is there already.

    With no URLs, the files that lie in `directory` (a volume) are the data set.
    Errors: RunError(DATA_UNREACHABLE | DATA_TOO_LARGE | DATA_NOT_PARQUET | DATA_COLUMN_MISSING |
    DATA_EMPTY).
    """
    if not urls:
        return inspect(directory, data_file_names(directory, config), config)
    source = _source(urls, config)
    recorded = read_manifest(directory / MANIFEST)
    if recorded is not None and recorded[0] == source and intact(directory, recorded[1]):
        logger.info("the data is here already: %d rows, %s", recorded[1].rows, recorded[1].digest)
        return recorded[1]
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MANIFEST).unlink(missing_ok=True)
    names = file_names(urls)
    for url, name in zip(urls, names, strict=True):
        logger.info("fetching %s as %s", shown(url), name)
        downloader.download(url, directory / name)
    data = inspect(directory, names, config)
    write_manifest(directory / MANIFEST, source, data)
    logger.info("fetched %d rows of %s, %s", data.rows, data.shape.kind, data.digest)
    return data


def fetched(directory: Path, config: DatasetConfig) -> DataSet:
    """The data set that an earlier `fetch` left in `directory`.

    Errors: as `fetch` without URLs.
    """
    recorded = read_manifest(directory / MANIFEST)
    if recorded is not None and intact(directory, recorded[1]):
        return recorded[1]
    return inspect(directory, data_file_names(directory, config), config)


def _source(urls: tuple[str, ...], config: DatasetConfig) -> str:
    wanted = [list(urls), config.messages_column, config.context_column, config.response_column]
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()
