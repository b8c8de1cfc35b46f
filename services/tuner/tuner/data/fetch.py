"""The fetch phase: from URLs to checked files and a manifest in the data directory."""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from kaito_training.data_access import kind_of
from kaito_training.data_urls import is_folder
from kaito_training.sections import DatasetConfig
from tuner.data.data_directory import find_data_files
from tuner.data.dataset import Dataset, inspect_files, is_intact
from tuner.data.manifest import MANIFEST_NAME, read_manifest, write_manifest
from tuner.data.selection import log_left_out, select_files
from tuner.data.weights import check_weights
from tuner.layout.configurations import CARD_NAME
from tuner.layout.layout import Split, SplitFile
from tuner.sources.completed_downloads import CompletedDownloads
from tuner.sources.dataset_part import DatasetPart
from tuner.sources.download import Downloader
from tuner.sources.remote_file import RemoteFile
from tuner.sources.sources import Sources
from tuner.sources.urls import unique_paths

logger = logging.getLogger(__name__)

# What does not change which files are fetched, nor how their rows are read. A key that is missing
# here costs a download; one that is wrongly here would keep the files of another configuration.
_USED_LATER = frozenset(
    {"weights", "shuffle_dataset", "shuffle_seed", "train_test_split", "max_lost_rows"}
)


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
    data = _fetch(urls, directory, config, sources, downloader)
    # Known before a GPU is used, although only the training needs them.
    check_weights(data.split_files, config.weights or {})
    return data


def _fetch(
    urls: Sequence[str],
    directory: Path,
    config: DatasetConfig,
    sources: Sources,
    downloader: Downloader,
) -> Dataset:
    if not urls:
        layout = find_data_files(directory, config)
        log_left_out(layout)
        return inspect_files(directory, layout.files, config, max_bytes=downloader.max_bytes)
    source = _source_digest(urls, config)
    recorded = read_manifest(directory / MANIFEST_NAME)
    if recorded is not None and recorded[0] == source and is_intact(directory, recorded[1]):
        logger.info("already fetched: %d rows, %s", recorded[1].rows, recorded[1].digest)
        return recorded[1]
    directory.mkdir(parents=True, exist_ok=True)
    # First of all: a manifest must never describe files that are being replaced.
    (directory / MANIFEST_NAME).unlink(missing_ok=True)
    chosen = [
        file
        for part in sources.find(urls, downloader.read)
        for file in _choose(part, config, downloader)
    ]
    names = unique_paths([file.path for file, _ in chosen])
    _download_all([file for file, _ in chosen], names, directory, downloader)
    used = [
        SplitFile(name, split, file.address)
        for name, (file, split) in zip(names, chosen, strict=True)
    ]
    data = inspect_files(directory, used, config, max_bytes=downloader.max_bytes)
    write_manifest(directory / MANIFEST_NAME, source, data)
    logger.info("fetched %d rows, %s", data.rows, data.digest)
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


def find_keys_without_effect(urls: Sequence[str], config: DatasetConfig) -> list[str]:
    """The keys of DatasetConfig that are set and have no effect on data from `urls`."""
    names_files = bool(urls) and not any(kind_of(u) != "http" and is_folder(u) for u in urls)
    keys = {"dataset_path": bool(urls), "dataset_extension": names_files}
    return [key for key, applies in keys.items() if applies and getattr(config, key) is not None]


def _choose(
    part: DatasetPart, config: DatasetConfig, downloader: Downloader
) -> list[tuple[RemoteFile, Split]]:
    """The files of `part` to use, with their splits."""
    files = {file.path: file for file in part.files}
    card = ""
    if CARD_NAME in files and CARD_NAME not in part.listed:
        card = downloader.read(files[CARD_NAME]).decode(errors="replace")
    layout = select_files(
        part.address,
        list(files),
        card,
        config,
        listed=part.listed,
        configuration=part.configuration,
    )
    log_left_out(layout)
    return [(files[used.name], used.split) for used in layout.files]


def _download_all(
    files: Sequence[RemoteFile], names: Sequence[str], directory: Path, downloader: Downloader
) -> None:
    downloader.check_known_sizes(files)
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
    chosen = {key: value for key, value in asdict(config).items() if key not in _USED_LATER}
    return hashlib.sha256(json.dumps([list(urls), chosen]).encode()).hexdigest()
