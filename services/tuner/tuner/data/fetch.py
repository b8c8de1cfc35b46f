"""The fetch phase: from URLs to checked files and a manifest in the data directory."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.data_directory import choice_of, find_data_files, log_left_out
from tuner.data.dataset import Dataset, inspect_files, is_intact
from tuner.data.manifest import MANIFEST_NAME, read_manifest, write_manifest
from tuner.layout.layout import Split, SplitFile, lay_out
from tuner.sources.completed_downloads import CompletedDownloads
from tuner.sources.dataset_part import DatasetPart
from tuner.sources.download import Downloader
from tuner.sources.remote_file import RemoteFile
from tuner.sources.sources import Sources
from tuner.sources.urls import unique_paths

logger = logging.getLogger(__name__)


def fetch_dataset(
    urls: Sequence[str],
    directory: Path,
    config: DatasetConfig,
    sources: Sources,
    downloader: Downloader,
) -> Dataset:
    """Fetch `urls` into `directory`, unless their files are there already, and return the dataset.

    Without URLs the files that `directory` already holds (a volume's) are the dataset.

    Raises:
        RunError: DATA_UNREACHABLE, DATA_TOO_LARGE, DATA_UNREADABLE, DATA_COLUMN_MISSING,
            DATA_EMPTY or CONFIG_INVALID.
    """
    if not urls:
        layout = find_data_files(directory, config)
        log_left_out(layout)
        return inspect_files(directory, layout.files, config)
    source = _source_digest(urls, config)
    recorded = read_manifest(directory / MANIFEST_NAME)
    if recorded is not None and recorded[0] == source and is_intact(directory, recorded[1]):
        logger.info("already fetched: %d rows, %s", recorded[1].rows, recorded[1].digest)
        return recorded[1]
    directory.mkdir(parents=True, exist_ok=True)
    # First of all: a manifest must never describe files that are being replaced.
    (directory / MANIFEST_NAME).unlink(missing_ok=True)
    chosen = [
        file for part in sources.find(urls) for file in _choose(part, directory, config, downloader)
    ]
    names = unique_paths([file.path for file, _ in chosen])
    _download_all([file for file, _ in chosen], names, directory, downloader)
    used = [SplitFile(name, split) for name, (_, split) in zip(names, chosen, strict=True)]
    data = inspect_files(directory, used, config)
    write_manifest(directory / MANIFEST_NAME, source, data)
    logger.info("fetched %d rows of %s data, %s", data.rows, data.schema.format, data.digest)
    return data


def load_dataset(directory: Path, config: DatasetConfig) -> Dataset:
    """The dataset that an earlier `fetch_dataset` left in `directory`.

    Raises:
        RunError: DATA_UNREADABLE, DATA_COLUMN_MISSING, DATA_EMPTY or CONFIG_INVALID.
    """
    recorded = read_manifest(directory / MANIFEST_NAME)
    if recorded is not None and is_intact(directory, recorded[1]):
        return recorded[1]
    return inspect_files(directory, find_data_files(directory, config).files, config)


def _choose(
    part: DatasetPart, directory: Path, config: DatasetConfig, downloader: Downloader
) -> list[tuple[RemoteFile, Split]]:
    """The files of `part` to use, with their splits."""
    files = {file.path: file for file in part.files}
    choice = choice_of(config)
    if part.configuration is not None:
        choice = replace(choice, configuration=part.configuration)
    layout = lay_out(list(files), choice=choice, listed=part.listed)
    log_left_out(layout)
    return [(files[used.name], used.split) for used in layout.files]


def _download_all(
    files: Sequence[RemoteFile], names: Sequence[str], directory: Path, downloader: Downloader
) -> None:
    completed = CompletedDownloads.read(directory)
    total = 0
    for name in names:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
    for file, name in zip(files, names, strict=True):
        if completed.holds(file, name):
            logger.info("%s is already fetched as %s", file.address, name)
        else:
            logger.info("fetching %s as %s", file.address, name)
            downloader.download(file, directory / name, total)
            # Only for the sake of the files that follow: the record costs a pass over the file.
            if name != names[-1]:
                completed.add(file, name)
        total += (directory / name).stat().st_size
    # Only an interrupted fetch continues: one that ends in unusable files starts from scratch, as
    # the files may have been corrected meanwhile.
    completed.forget()


def _source_digest(urls: Sequence[str], config: DatasetConfig) -> str:
    chosen = [
        config.messages_column,
        config.context_column,
        config.response_column,
        config.dataset_config,
        config.dataset_train_split,
    ]
    return hashlib.sha256(json.dumps([list(urls), *chosen]).encode()).hexdigest()
