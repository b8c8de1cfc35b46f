"""From data files to prepared examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from kaito_training.sections import DatasetConfig
from tests.tuner.examples import templates
from tests.tuner.examples.tokenizers import tokenizer
from tuner.data.data_directory import find_data_files
from tuner.data.dataset import Dataset, inspect_files
from tuner.examples import preparation
from tuner.examples.build import build
from tuner.examples.encoder import Encoder
from tuner.examples.preparation import prepare
from tuner.examples.prepared_data import PreparedData
from tuner.rows.row import LossCause

Row = dict[str, Any]


def turns(*contents: str) -> Row:
    roles = ("user", "assistant")
    return {"messages": [{"role": roles[k % 2], "content": c} for k, c in enumerate(contents)]}


def conversations(count: int) -> list[Row]:
    return [turns(f"Question {k}?", f"Answer {k}.", "And?", f"More {k}.") for k in range(count)]


class Folder:
    """Data files, the model that they are for, and the cache of prepared examples."""

    def __init__(self, path: Path) -> None:
        self.data = path / "data"
        self.cache = path / "cache"
        self.data.mkdir()

    def write(self, name: str, rows: list[Row]) -> None:
        (self.data / name).parent.mkdir(exist_ok=True)
        (self.data / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def prepare(
        self, max_length: int | None = 200, template: str | None = "chatml", **options: Any
    ) -> PreparedData:
        config = DatasetConfig(**options)
        text = templates.ALL[template] if template else None
        encoder = Encoder(tokenizer("byte-level", text), max_length)
        return prepare(self.dataset(config), self.data, encoder, config, self.cache)

    def dataset(self, config: DatasetConfig) -> Dataset:
        return inspect_files(self.data, find_data_files(self.data, config).files, config)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def sequences(prepared: PreparedData) -> tuple[list[Any], list[Any]]:
    held_back = prepared.evaluation["input_ids"] if prepared.evaluation else []
    return list(prepared.train["input_ids"]), list(held_back)


def test_a_conversation_that_is_held_back_is_not_trained_on(folder: Folder) -> None:
    folder.write("a.jsonl", conversations(10) * 2)
    prepared = folder.prepare()
    trained, held_back = sequences(prepared)
    assert (len(trained), len(held_back)) == (16, 4)
    assert not {tuple(ids) for ids in trained} & {tuple(ids) for ids in held_back}
    assert prepared.statistics.duplicates == 10
    assert prepared.statistics.records == 20


def test_examples_of_one_conversation_stay_together(folder: Folder) -> None:
    """Templates that rewrite earlier messages give each answer an example of its own."""
    folder.write("a.jsonl", conversations(10))
    trained, held_back = sequences(folder.prepare(template="qwen-3"))
    assert (len(trained), len(held_back)) == (16, 4)
    firsts = {tuple(ids[:30]) for ids in trained}
    assert not firsts & {tuple(ids[:30]) for ids in held_back}


def test_files_of_any_shape_and_format_go_together(folder: Folder) -> None:
    folder.write("a.jsonl", conversations(2))
    folder.write("b.jsonl", [{"prompt": "Ask", "completion": "Tell"}])
    folder.write("c.jsonl", [{"instruction": "Ask", "input": "it", "output": "Tell"}])
    (folder.data / "d.csv").write_text("text\nHello there\n")
    prepared = folder.prepare(train_test_split=1.0)
    assert len(prepared.train) == 5
    assert prepared.evaluation is None
    shapes = {name: shape.name for name, shape in prepared.statistics.shapes.items()}
    assert shapes == {
        "a.jsonl": "messages",
        "b.jsonl": "prompt-completion",
        "c.jsonl": "alpaca",
        "d.csv": "text",
    }


def test_every_row_that_is_lost_is_counted_and_named(
    folder: Folder, caplog: pytest.LogCaptureFixture
) -> None:
    rows = conversations(95)
    rows[5] = turns("Only a question?")
    rows[20] = turns("long " * 300, "Short.")
    rows[30] = turns("Short?", "long " * 300)
    rows[40] = {"messages": [{"role": "user"}, {"role": "assistant", "content": None}]}
    folder.write("a.jsonl", rows)
    prepared = folder.prepare()
    losses = prepared.losses
    assert (losses.rows, losses.dropped, losses.cut) == (95, 3, 1)
    assert [(row.number, row.cause) for row in losses.first][1:3] == [
        (21, LossCause.PROMPT_TOO_LONG),
        (31, LossCause.CUT),
    ]
    assert len(losses.first) == 4
    assert prepared.statistics.sufficient > 300
    assert "a.jsonl, row 21: prompt too long: " in caplog.text
    assert "3 rows are dropped and 1 are cut: " in caplog.text
    again = folder.prepare(max_length=prepared.statistics.sufficient)
    assert {*again.losses.causes} <= {LossCause.NO_ANSWER, LossCause.MALFORMED, LossCause.EMPTY}


def test_long_texts_lose_nothing(folder: Folder) -> None:
    folder.write("a.jsonl", [{"text": "word " * 1000}])
    prepared = folder.prepare(max_length=50, train_test_split=1.0)
    assert prepared.losses.causes.total() == 0
    assert sum(prepared.statistics.tokens.elements()) > 1000
    assert max(prepared.statistics.tokens) == 50


def test_prepared_examples_are_used_again(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("a.jsonl", conversations(20))
    first = folder.prepare()
    monkeypatch.setattr(preparation, "build", None)
    second = folder.prepare()
    assert sequences(first) == sequences(second)
    assert (first.losses, first.statistics) == (second.losses, second.statistics)


@pytest.mark.parametrize("change", ["rows", "length", "template", "seed"])
def test_other_inputs_are_prepared_again(change: str, folder: Folder) -> None:
    folder.write("a.jsonl", conversations(20))
    first = sequences(folder.prepare())
    if change == "rows":
        folder.write("a.jsonl", conversations(21))
    options: dict[str, dict[str, Any]] = {
        "length": {"max_length": 20},
        "template": {"template": "llama-3"},
        "seed": {"shuffle_seed": 7},
    }
    assert sequences(folder.prepare(**options.get(change, {}))) != first
    assert len(list(folder.cache.iterdir())) == 1


def test_the_same_inputs_give_the_same_bytes(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.jsonl", conversations(50))
    folder.prepare()
    (first,) = folder.cache.iterdir()
    content = {path.name: path.read_bytes() for path in first.iterdir()}
    first.rename(tmp_path / "elsewhere")
    folder.prepare()
    assert {path.name: path.read_bytes() for path in first.iterdir()} == content


def test_what_a_killed_process_leaves_is_not_believed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.jsonl", conversations(20))

    class Killed(BaseException):
        pass

    def die(*arguments: Any) -> None:
        build(*arguments)
        raise Killed

    monkeypatch.setattr(preparation, "build", die)
    with pytest.raises(Killed):
        folder.prepare()
    assert list(folder.cache.iterdir())
    monkeypatch.undo()
    assert len(folder.prepare().train) == 16


def test_samples_show_what_the_model_sees(folder: Folder) -> None:
    folder.write("a.jsonl", conversations(20))
    samples = folder.prepare().statistics.samples
    assert [(sample.file, sample.number) for sample in samples] == [
        ("a.jsonl", 1),
        ("a.jsonl", 2),
        ("a.jsonl", 3),
    ]
    model = tokenizer("byte-level", templates.ALL["chatml"])
    (example,) = samples[0].examples
    learned = [label for label in example.labels if label != -100]
    assert model.decode(learned) == "Answer 0.<|im_end|>\nMore 0.<|im_end|>\n"


def test_rows_without_a_chat_template(folder: Folder) -> None:
    folder.write("a.jsonl", [{"prompt": "Ask: ", "completion": "Tell"}])
    prepared = folder.prepare(template=None, train_test_split=1.0)
    model = tokenizer("byte-level", None)
    labels = prepared.train[0]["labels"]
    # The last space of the prompt is part of the first token of the answer.
    assert model.decode([label for label in labels if label != -100]) == " Tell</s>"
