"""Decides which files are trained on, which evaluate the training, and which are left out. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from tuner.errors import RunError
from tuner.layout.configurations import Configuration, find_configurations
from tuner.layout.splits import Use, split_of, use_of
from tuner.reasons import Reason

Split = Literal["train", "validation"]

# What the hub and `datasets` lay beside the data, in formats of data.
_METADATA_FILES = frozenset(
    "dataset_info.json dataset_infos.json dataset_dict.json config.json dummy_data.zip".split()
)
# Files about the dataset, whatever their suffix.
_ABOUT = frozenset("readme license licence notice changelog citation".split())
NOT_DATA = "not data"


@dataclass(frozen=True, slots=True)
class SplitFile:
    """A file to use. `name` is its path relative to the dataset.

    `origin` is the address that it was fetched from, without secrets; empty for a volume's file.
    """

    name: str
    split: Split
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is used, and why each of the other files is not: name → why."""

    files: tuple[SplitFile, ...]
    left_out: Mapping[str, str]

    def left_out_by_cause(self) -> Mapping[str, Sequence[str]]:
        """Why files are left out → their names."""
        causes: dict[str, list[str]] = {}
        for name, cause in self.left_out.items():
            causes.setdefault(cause, []).append(name)
        return causes


@dataclass(frozen=True, slots=True)
class SplitSelection:
    """What DatasetConfig selects where a dataset has several configurations or train splits."""

    configuration: str | None = None
    train_split: str | None = None


def lay_out(
    names: Sequence[str],
    card: str = "",
    selected: SplitSelection = SplitSelection(),
    listed: Collection[str] = (),
) -> Layout:
    """The layout of the dataset with the files `names`, of which `card` is the README.md.

    The files in `listed` are named one by one, not found in a folder: each of them is meant, so one
    that names no split is trained on, and so is an only one, whatever its name.

    Raises:
        RunError: CONFIG_INVALID, there are several configurations or train splits and `selected`
            names none of them; DATA_EMPTY, there is nothing to train on.
        ValueError: the metadata of `card` cannot be read.
    """
    data = [name for name in names if not is_metadata(name, names)]
    left_out = dict.fromkeys((name for name in names if name not in data), NOT_DATA)
    if len(data) == 1 and data[0] in listed:
        return Layout((SplitFile(data[0], "train"),), left_out)
    configuration = _select_configuration(find_configurations(card, data), selected.configuration)
    if configuration is None:
        splits: Mapping[str, str | None] = {name: split_of(name) for name in data}
    else:
        splits = configuration.files
        cause = f"not of the configuration {configuration.name!r}"
        left_out |= dict.fromkeys((name for name in data if name not in splits), cause)
    train = _train_split(splits, selected.train_split)
    files = []
    for name, split in splits.items():
        if split == train or (split is None and name in listed):
            files.append(SplitFile(name, "train"))
        elif split is not None and use_of(split) is Use.VALIDATION:
            files.append(SplitFile(name, "validation"))
        else:
            left_out[name] = f"of the split {split!r}" if split else "of no split, as others are"
    return Layout(tuple(files), left_out)


def is_metadata(name: str, names: Collection[str]) -> bool:
    """True for a file that describes the dataset and is no part of it."""
    path = PurePosixPath(name)
    if path.name == "state.json":
        # Of `Dataset.save_to_disk`, which always leaves both; alone it may be anything.
        return str(path.with_name("dataset_info.json")) in names
    return path.name in _METADATA_FILES or path.name.partition(".")[0].lower() in _ABOUT


def _select_configuration(
    configurations: Sequence[Configuration], chosen: str | None
) -> Configuration | None:
    known = [configuration.name for configuration in configurations]
    if chosen is not None:
        for configuration in configurations:
            if configuration.name == chosen:
                return configuration
        has = f"its configurations are: {', '.join(known)}" if known else "it has none"
        raise _config_invalid(
            f"DatasetConfig.dataset_config is {chosen!r}, but the dataset has no such "
            f"configuration: {has}"
        )
    defaults = [configuration for configuration in configurations if configuration.is_default]
    if len(configurations) > 1 and not defaults:
        raise _config_invalid(
            f"the dataset has {len(known)} configurations ({_some(known)}), of which a run uses "
            "one: name it in DatasetConfig.dataset_config"
        )
    return next(iter(defaults or configurations), None)


def _train_split(splits: Mapping[str, str | None], chosen: str | None) -> str | None:
    """The split to train on; None for the files that name none."""
    known = sorted({split for split in splits.values() if split is not None})
    if chosen is not None:
        if chosen in known:
            return chosen
        has = f"its splits are: {', '.join(known)}" if known else "its files name no splits"
        raise _config_invalid(
            f"DatasetConfig.dataset_train_split is {chosen!r}, but the dataset has no such split: "
            f"{has}"
        )
    train = [split for split in known if use_of(split) is Use.TRAIN]
    if len(train) > 1:
        raise _config_invalid(
            f"the dataset has {len(train)} splits to train on ({_some(train)}), of which a run "
            "uses one: name it in DatasetConfig.dataset_train_split"
        )
    if not train and known and None not in splits.values():
        raise RunError(
            Reason.DATA_EMPTY,
            f"the dataset has no split to train on: its files are of {', '.join(known)}; provide "
            "a file named train, or name a split in DatasetConfig.dataset_train_split",
        )
    return train[0] if train else None


def _some(names: Sequence[str]) -> str:
    """Names for a message: hundreds of configurations are not unusual."""
    shown = 20
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def _config_invalid(problem: str) -> RunError:
    return RunError(Reason.CONFIG_INVALID, f"training_config.yaml: {problem}")
