"""Prepares the examples of a run: reads, encodes, counts what is lost, and splits.

The result is kept in the cache under a fingerprint of everything that it depends on. It gets its
name when it is complete, so a process that is killed in between leaves nothing that is believed.
"""

import hashlib
import json
import logging
import os
import shutil
from dataclasses import asdict
from pathlib import Path

from kaito_training.sections import DatasetConfig
from tuner.data.dataset import Dataset
from tuner.examples.build import build
from tuner.examples.encoder import Encoder
from tuner.examples.prepared_data import PreparedData, load_prepared

logger = logging.getLogger(__name__)

PREFIX = "examples-"


def prepare(
    data: Dataset, directory: Path, encoder: Encoder, config: DatasetConfig, cache: Path
) -> PreparedData:
    """The examples of `data`, whose files are in `directory`. Same inputs, same examples.

    Raises:
        RunError: DATA_UNREADABLE, DATA_TOO_LARGE, DATA_COLUMN_MISSING, DATA_EMPTY or
            CONFIG_INVALID.
    """
    folder = cache / f"{PREFIX}{_fingerprint(data, encoder, config)[:20]}"
    if folder.is_dir():
        prepared = load_prepared(folder)
        logger.info("already prepared: %d examples", prepared.statistics.examples)
        return prepared
    cache.mkdir(parents=True, exist_ok=True)
    # What another configuration has left, and what a killed process has begun.
    for old in cache.glob(f"{PREFIX}*"):
        shutil.rmtree(old)
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir()
    build(data, directory, encoder, config, part)
    for path in part.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    part.replace(folder)
    return load_prepared(folder)


def _fingerprint(data: Dataset, encoder: Encoder, config: DatasetConfig) -> str:
    options = {key: value for key, value in asdict(config).items() if key != "max_lost_rows"}
    if not config.preferences:
        # Prepared by a release that knew no preferences, the examples are the same.
        del options["preferences"]
    # Names are in the samples and in the lost rows, and weights go by both.
    names = [(file.name, file.origin) for file in data.files]
    inputs = json.dumps([data.digest, names, encoder.fingerprint, options])
    return hashlib.sha256(inputs.encode()).hexdigest()
