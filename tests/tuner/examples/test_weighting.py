"""Weights of files, as the prepared examples of a run have them."""

from collections import Counter
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from kaito_training.sections import DatasetConfig
from tuner.data.dataset import inspect_files
from tuner.examples.encoder import Encoder
from tuner.examples.preparation import prepare
from tuner.layout.layout import SplitFile

FILES = [
    SplitFile("a.jsonl", "train", "hf://datasets/o/a/a.jsonl"),
    SplitFile("b.jsonl", "train"),
    SplitFile("dev.jsonl", "validation"),
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for file, count in zip(FILES, (4, 6, 2), strict=True):
        rows = [f'{{"text": "{file.name} {number}"}}\n' for number in range(count)]
        (tmp_path / file.name).write_text("".join(rows))
    return tmp_path


def counts(directory: Path, model: Path, weights: dict[str, float]) -> tuple[Counter[str], int]:
    """How often the rows of each file are trained on, and the number of rows that evaluate."""
    tokenizer = AutoTokenizer.from_pretrained(model)
    config = DatasetConfig(weights=weights)
    data = inspect_files(directory, FILES, config)
    cache = directory / "cache"
    prepared = prepare(data, directory, Encoder(tokenizer, None, learn_all=True), config, cache)
    texts = [tokenizer.decode(ids, skip_special_tokens=True) for ids in prepared.train["input_ids"]]
    assert prepared.evaluation is not None
    return Counter(text.split(".jsonl")[0].strip() for text in texts), len(prepared.evaluation)


def test_rows_are_trained_on_as_often_as_their_file_weighs(
    directory: Path, model_dir: Path
) -> None:
    assert counts(directory, model_dir, {}) == ({"a": 4, "b": 6}, 2)
    weights = {"hf://datasets/o/a/**": 2.5, "b.jsonl": 0.5, "dev.jsonl": 9.0}
    assert counts(directory, model_dir, weights) == ({"a": 10, "b": 3}, 2)
