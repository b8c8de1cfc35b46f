"""What a dataset's layout decides: files, splits, configurations."""

from typing import Any

import pytest

from tuner.errors import RunError
from tuner.layout.layout import SplitSelection, lay_out
from tuner.reasons import Reason

HUB = (
    ".gitattributes",
    "README.md",
    "dataset_info.json",
    "data/train-00000-of-00002.parquet",
    "data/train-00001-of-00002.parquet",
    "data/validation-00000-of-00001.parquet",
    "data/test-00000-of-00001.parquet",
)
TWO_CONFIGURATIONS = ("main/train-0.parquet", "main/test-0.parquet", "socratic/train-0.parquet")
GSM8K = """---
license: mit
configs:
- config_name: main
  data_files:
  - split: train
    path: main/train-*
  - split: test
    path: main/test-*
- config_name: socratic
  data_files:
  - split: train
    path: socratic/train-*
---
# A README
"""
ULTRACHAT = """---
configs:
- config_name: default
  data_files:
  - {split: train_sft, path: data/train_sft-*}
  - {split: train_gen, path: data/train_gen-*}
  - {split: test_sft, path: data/test_sft-*}
---
"""
ULTRACHAT_FILES = tuple(
    f"data/{split}-00000-of-00001.parquet" for split in ("train_sft", "train_gen", "test_sft")
)


def used(*names: str, **options: Any) -> dict[str, str]:
    """Name → split of the files that are used."""
    return {file.name: file.split for file in lay_out(names, **options).files}


def refusal(*names: str, **options: Any) -> RunError:
    with pytest.raises(RunError) as caught:
        lay_out(names, **options)
    return caught.value


def test_hub_dataset_is_taken_as_it_is() -> None:
    layout = lay_out(HUB[1:])
    assert [(file.name, file.split) for file in layout.files] == [
        (HUB[3], "train"),
        (HUB[4], "train"),
        (HUB[5], "validation"),
    ]
    assert layout.left_out_by_cause() == {
        "not data": ["README.md", "dataset_info.json"],
        "of the split 'test'": [HUB[6]],
    }


def test_saved_dataset_dict_is_taken_as_it_is() -> None:
    names = [
        f"{split}/{name}"
        for split in ("train", "test")
        for name in ("data-00000-of-00001.arrow", "dataset_info.json", "state.json")
    ]
    assert used("dataset_dict.json", *names) == {"train/data-00000-of-00001.arrow": "train"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("a.jsonl", "b.jsonl"), {"a.jsonl": "train", "b.jsonl": "train"}),
        (("a.jsonl", "dev.jsonl"), {"a.jsonl": "train", "dev.jsonl": "validation"}),
        (("a.jsonl", "test.jsonl"), {"a.jsonl": "train"}),
        (("train.jsonl", "extra.jsonl"), {"train.jsonl": "train"}),
        (("states/state.json",), {"states/state.json": "train"}),
        (("a.txt", "LICENSE.txt", "readme.txt", "NOTICE"), {"a.txt": "train"}),
        (("en/a.csv", "fr/b.csv"), {"en/a.csv": "train", "fr/b.csv": "train"}),
        (("en/train.csv", "en/test.csv"), {"en/train.csv": "train"}),
    ],
    ids=[
        "no splits",
        "only dev is named",
        "only test is named",
        "beside train",
        "a state.json of one's own",
        "files about the dataset",
        "folders without splits",
        "one folder",
    ],
)
def test_files_of_a_folder(names: tuple[str, ...], expected: dict[str, str]) -> None:
    assert used(*names) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("test.jsonl",), {"test.jsonl": "train"}),
        (("train.jsonl", "extra.jsonl"), {"train.jsonl": "train", "extra.jsonl": "train"}),
        (("train.jsonl", "test.jsonl", "dataset_info.json"), {"train.jsonl": "train"}),
        (("a", "validation"), {"a": "train", "validation": "validation"}),
    ],
    ids=["an only file", "one that names no split", "as on the hub", "without suffixes"],
)
def test_listed_files_are_meant(names: tuple[str, ...], expected: dict[str, str]) -> None:
    assert used(*names, listed=names) == expected


@pytest.mark.parametrize("chosen", ["main", "socratic"])
@pytest.mark.parametrize("card", [GSM8K, ""], ids=["by README.md", "by folders"])
def test_configuration_is_chosen_by_name(card: str, chosen: str) -> None:
    selected = SplitSelection(configuration=chosen)
    expected = {f"{chosen}/train-0.parquet": "train"}
    assert used(*TWO_CONFIGURATIONS, card=card, selected=selected) == expected


@pytest.mark.parametrize("card", [GSM8K, ""], ids=["by README.md", "by folders"])
def test_several_configurations_need_a_choice(card: str) -> None:
    error = refusal(*TWO_CONFIGURATIONS, card=card)
    assert error.reason is Reason.CONFIG_INVALID
    assert error.message == (
        "training_config.yaml: the dataset has 2 configurations (main, socratic), of which a run "
        "uses one: name it in DatasetConfig.dataset_config"
    )


def test_default_configuration_needs_no_choice() -> None:
    card = GSM8K.replace("name: socratic", "name: socratic\n  default: true")
    layout = lay_out(TWO_CONFIGURATIONS, card)
    assert [file.name for file in layout.files] == ["socratic/train-0.parquet"]
    assert set(layout.left_out.values()) == {"not of the configuration 'socratic'"}


@pytest.mark.parametrize(
    ("names", "has"),
    [
        (TWO_CONFIGURATIONS, "its configurations are: main, socratic"),
        (("train.csv",), "it has none"),
    ],
)
def test_unknown_configuration_is_refused(names: tuple[str, ...], has: str) -> None:
    error = refusal(*names, selected=SplitSelection(configuration="mian"))
    assert "DatasetConfig.dataset_config is 'mian', but" in error.message
    assert has in error.message


def test_several_train_splits_need_a_choice() -> None:
    for card in (ULTRACHAT, ""):
        error = refusal(*ULTRACHAT_FILES, card=card)
        assert "2 splits to train on (train_gen, train_sft)" in error.message
        assert "DatasetConfig.dataset_train_split" in error.message
        selected = SplitSelection(train_split="train_sft")
        assert used(*ULTRACHAT_FILES, card=card, selected=selected) == {ULTRACHAT_FILES[0]: "train"}


def test_test_data_is_trained_on_only_where_it_is_chosen() -> None:
    error = refusal("test.csv", "dev.csv")
    assert error.reason is Reason.DATA_EMPTY
    assert "its files are of test, validation;" in error.message
    selected = SplitSelection(train_split="test")
    assert used("test.csv", "dev.csv", selected=selected) == {
        "test.csv": "train",
        "dev.csv": "validation",
    }
    assert (
        "its splits are: test"
        in refusal("test.csv", selected=SplitSelection(train_split="x")).message
    )


@pytest.mark.parametrize(
    ("data_files", "expected"),
    [
        ("a.csv", {"a.csv": "train"}),
        ("[a.csv, 'sub/*.csv']", {"a.csv": "train", "sub/b.csv": "train"}),
        ("{train: a.csv, validation: ['**/b.csv']}", {"a.csv": "train", "sub/b.csv": "validation"}),
        ("[{split: train, path: [a.csv, sub/b.csv]}]", {"a.csv": "train", "sub/b.csv": "train"}),
        ("{path: sub/b.csv}", {"sub/b.csv": "train"}),
    ],
)
def test_data_files_have_any_of_the_hubs_forms(data_files: str, expected: dict[str, str]) -> None:
    card = f"---\nconfigs:\n- config_name: x\n  data_files: {data_files}\n---\n"
    assert used("a.csv", "sub/b.csv", "c.csv", card=card) == expected


def test_data_dir_of_a_configuration_is_a_folder() -> None:
    card = (
        "---\nconfigs:\n- {config_name: x, data_dir: en}\n- {config_name: y, data_dir: ./fr}\n---"
    )
    names = ("en/train.csv", "en/test.csv", "fr/train.csv", "fr/dev.csv")
    selected = SplitSelection(configuration="y")
    assert used(*names, card=card, selected=selected) == {
        "fr/train.csv": "train",
        "fr/dev.csv": "validation",
    }


@pytest.mark.parametrize(
    "card",
    ["# no metadata", "---\nlicense: mit\n---\n", "---\nconfigs: 1\n---", "---\n- x\n---\nx"],
)
def test_card_without_configurations_changes_nothing(card: str) -> None:
    assert used("train.csv", "test.csv", card=card) == {"train.csv": "train"}


def test_hundreds_of_configurations_do_not_fill_the_message() -> None:
    error = refusal(*[f"c{number:03}/train.csv" for number in range(300)])
    assert "c019 and 280 more)" in error.message
