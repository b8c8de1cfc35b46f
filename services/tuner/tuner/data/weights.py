"""How often an epoch uses the rows of each file. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from fsspec.utils import glob_translate

from tuner.config.errors import config_invalid
from tuner.layout.layout import SplitFile

Indices: TypeAlias = npt.NDArray[np.int64]


def check_weights(files: Sequence[SplitFile], weights: Mapping[str, float]) -> None:
    """Raise CONFIG_INVALID if a key of `weights` matches none of `files`."""
    for key in weights:
        if not any(_matches(key, file.name, file.origin) for file in files):
            names = [file.name for file in files]
            raise config_invalid(
                f"DatasetConfig.weights has the key {key!r}, which matches no file; the files are: "
                f"{', '.join(names[:20])}{' and others' if len(names) > 20 else ''}"
            )


def weight_of(name: str, origin: str, weights: Mapping[str, float]) -> float:
    """The weight of the file called `name` that was fetched from `origin`; 1 without one.

    The keys of `weights` are patterns of either. The first one that matches counts.
    """
    return next((weights[key] for key in weights if _matches(key, name, origin)), 1.0)


def _matches(pattern: str, *texts: str) -> bool:
    matches = re.compile(glob_translate(pattern)).match
    return any(matches(text) is not None for text in texts)


def weighted_indices(
    files: npt.NDArray[np.integer], weights: Sequence[float], seed: int
) -> Indices:
    """The indices of the rows that an epoch uses, in the order of the rows.

    Each row of a file is used as often as the whole part of the file's weight says. The rest of the
    weight is the share of the file's rows that is used once more, drawn with `seed`; so a weight of
    2.5 uses each row twice, and half of them a third time.

    Args:
        files: for each row, the number of its file.
        weights: for each file, its weight.
    """
    times = np.zeros(len(files), np.int64)
    for number, weight in enumerate(weights):
        rows = np.flatnonzero(files == number)
        times[rows] = int(weight)
        drawn = np.random.default_rng([seed, number])
        more = round((weight - int(weight)) * len(rows))
        times[drawn.permutation(rows)[:more]] += 1
    return np.repeat(np.arange(len(files)), times)
