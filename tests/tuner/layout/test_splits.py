"""Which split a file belongs to, compared with Hugging Face `datasets`."""

from pathlib import Path

import pytest
from datasets.data_files import get_data_patterns

from tuner.layout.splits import Use, split_of, use_of


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train.parquet", "train"),
        ("train-00000-of-00001.parquet", "train"),
        ("data/train-00000-of-00001-a09b74b3ef9c3b56.parquet", "train"),
        ("data/test-00000-of-00001.parquet", "test"),
        ("my_train_file_1.csv", "train"),
        ("training.jsonl.gz", "train"),
        ("dev.csv", "validation"),
        ("valid.json", "validation"),
        ("val-1.json", "validation"),
        ("Validation.JSONL", "validation"),
        ("eval.jsonl", "test"),
        ("evaluation_0.csv", "test"),
        ("testing.csv", "test"),
        ("train/0000.parquet", "train"),
        ("validation/part/0.parquet", "validation"),
        ("plain/test/0000.parquet", "test"),
        ("test/train.csv", "test"),
        ("train/test-cases.jsonl", "train"),
        ("data/train_sft-00000-of-00003.parquet", "train_sft"),
        ("data/test_gen-00002-of-00003.parquet", "test_gen"),
        ("data-00000-of-00002.arrow", None),
        ("part-00000-of-00002.parquet", None),
        ("data.csv", None),
        ("latest.csv", None),
        ("trainer.jsonl", None),
        ("contest/constraints.csv", None),
    ],
)
def test_path_names_the_split(path: str, split: str | None) -> None:
    assert split_of(path) == split


@pytest.mark.parametrize(
    "names",
    [
        ("train.csv", "test.csv", "dev.csv"),
        ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"),
        ("train/a.csv", "validation/b.csv", "testing/c.csv"),
        ("my_train_1.csv", "my-eval.csv"),
        ("a/training/x.csv", "a/val/y.csv"),
    ],
    ids=lambda names: names[0],
)
def test_splits_are_those_that_datasets_finds(names: tuple[str, ...], tmp_path: Path) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("text\nhello\n")
    patterns = get_data_patterns(str(tmp_path))
    assert {str(split) for split in patterns} == {split_of(name) for name in names}


def test_first_keyword_says_what_a_split_is_for() -> None:
    assert use_of("test_train") is Use.TEST
    assert use_of("gen") is None
