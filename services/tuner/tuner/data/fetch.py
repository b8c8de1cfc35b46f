"""The fetch phase: from URLs to checked files and a manifest in the data directory."""

import hashlib
import json
import logging
from collections.abc import Sequence
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.data_directory import choice_of, find_data_files, log_left_out
from tuner.data.dataset import Dataset, inspect_files, is_intact
from tuner.data.manifest import MANIFEST_NAME, read_manifest, write_manifest
from tuner.layout.layout import SplitFile, lay_out
from tuner.sources.completed_downloads import CompletedDownloads
from tuner.sources.download import Downloader
from tuner.sources.urls import dataset_paths, redact_url, stored_names

logger = logging.getLogger(__name__)


def fetch_dataset(
    urls: tuple[str, ...], directory: Path, config: DatasetConfig, downloader: Downloader
) -> Dataset:
    """Fetch `urls` into `directory`, unless they are already there, and return the dataset.

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
    used = _used(urls, config)
    _download_all(list(used), [file.name for file in used.values()], directory, downloader)
    data = inspect_files(directory, list(used.values()), config)
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


def _used(urls: Sequence[str], config: DatasetConfig) -> dict[str, SplitFile]:
    """The URLs to fetch, each with the file to store it as."""
    paths = dict(zip(dataset_paths(urls), urls, strict=True))
    names = dict(zip(urls, stored_names(urls), strict=True))
    layout = lay_out(list(paths), choice=choice_of(config), listed=True)
    log_left_out(layout)
    return {
        paths[file.name]: SplitFile(names[paths[file.name]], file.split) for file in layout.files
    }


def _download_all(
    urls: Sequence[str], names: Sequence[str], directory: Path, downloader: Downloader
) -> None:
    completed = CompletedDownloads.read(directory)
    total = 0
    for url, name in zip(urls, names, strict=True):
        if completed.holds(url, name):
            logger.info("%s is already fetched as %s", redact_url(url), name)
        else:
            logger.info("fetching %s as %s", redact_url(url), name)
            downloader.download(url, directory / name, total)
            # Only for the sake of the files that follow: the record costs a pass over the file.
            if name != names[-1]:
                completed.add(url, name)
        total += (directory / name).stat().st_size
    # Only an interrupted fetch continues: one that ends in unusable files starts from scratch, as
    # the files may have been corrected meanwhile.
    completed.forget()


def _source_digest(urls: tuple[str, ...], config: DatasetConfig) -> str:
    chosen = [
        config.messages_column,
        config.context_column,
        config.response_column,
        config.dataset_config,
        config.dataset_train_split,
    ]
    return hashlib.sha256(json.dumps([list(urls), *chosen]).encode()).hexdigest()
