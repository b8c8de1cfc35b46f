"""The report on files with a model's tokenizer: what the model sees of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from kaito_training.sections import DatasetConfig, TrainingConfig
from tests.tuner import tiny
from tuner.data_report.build import RunContext
from tuner.data_report.cost import Hardware
from tuner.data_report.input_file import InputFile
from tuner.data_report.inspect import has_tokenizer, inspect_data
from tuner.data_report.report import DataReport
from tuner.data_report.text import render_text
from tuner.layout.layout import SplitFile

LONG = {"role": "assistant", "content": "Arr! " * 300}


def conversation(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def answer(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


GOOD = [conversation(*messages) for messages in tiny.conversations(10)]


@pytest.fixture
def report(tmp_path: Path, model_dir: Path) -> Any:
    """A function from rows to their report, with the tiny model unless `model` is None."""

    def make(
        rows: list[Any],
        options: dict[str, Any] | None = None,
        model: Path | None = model_dir,
        **dataset: Any,
    ) -> DataReport:
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / "d.jsonl").write_text(lines)
        config = TrainingConfig(
            training=options or {}, dataset=DatasetConfig(**{"train_test_split": 1, **dataset})
        )
        inputs = [InputFile(tmp_path, SplitFile("d.jsonl", "train"))]
        return inspect_data(inputs, RunContext(config=config, hardware=Hardware()), model)

    return make


def test_tokens_are_those_of_the_tokenizer(report: Any, model_dir: Path) -> None:
    from transformers import AutoTokenizer

    found = report(GOOD)
    tokenizer = AutoTokenizer.from_pretrained(model_dir)
    texts = [tokenizer.apply_chat_template(row["messages"], tokenize=False) for row in GOOD]
    whole = sum(len(tokenizer(text)["input_ids"]) for text in texts)
    assert found.lengths.exact
    assert found.lengths.examples.total == whole
    assert 0 < found.lengths.learned < found.lengths.examples.total


def test_sample_shows_special_tokens_and_what_is_learned(report: Any) -> None:
    (first, *_) = report(GOOD).samples
    (prompt, prompt_learned), (learned, is_learned) = first.pieces[:2]
    assert (prompt_learned, is_learned) == (False, True)
    assert prompt == "<|user|>\nWhat is 0 plus one?<|end|>\n<|assistant|>\n"
    assert learned.startswith("Arr! It is 1. Yo ho!<|end|>")


def test_every_answer_of_a_conversation_is_learned(report: Any) -> None:
    rows = [conversation(user("a"), answer("b"), user("c"), answer("d"))]
    (sample,) = report(rows).samples
    learned = "".join(text for text, is_learned in sample.pieces if is_learned)
    assert "b" in learned and "d" in learned and "a" not in learned and "c" not in learned


def test_long_answers_are_cut_and_the_sufficient_length_suffices(report: Any) -> None:
    rows = [*GOOD, conversation(user("sing"), LONG)]
    found = report(rows, max_lost_rows=0.5)
    assert found.rows.cut == 1
    assert found.lengths.max_length == 256
    assert not found.problem
    enough = report(rows, {"max_length": found.lengths.sufficient}, max_lost_rows=0)
    assert (enough.rows.cut, enough.problem) == (0, "")
    too_few = report(rows, {"max_length": found.lengths.sufficient - 1}, max_lost_rows=0.5)
    assert too_few.rows.cut == 1


def test_too_many_cut_rows_are_the_problem(report: Any) -> None:
    found = report([*GOOD, conversation(user("sing"), LONG)])
    assert found.reason == "DataRowsLost"
    assert "1 of 11 rows (9.1 %) would be dropped or cut: 1 cut to max_length" in found.problem
    assert "the model takes 256" in found.problem


def test_prompts_that_fill_the_length_are_dropped(report: Any) -> None:
    found = report([*GOOD, conversation(user("sing " * 300), answer("no"))], max_lost_rows=1)
    assert found.rows.causes == {"prompt too long": 1}


def test_control_tokens_in_the_data_are_worth_a_note(report: Any) -> None:
    found = report([*GOOD, conversation(user("say <|end|>"), answer("no"))])
    ((note, count),) = found.rows.notes.items()
    assert "control tokens" in note
    assert count == 1
    assert "Worth knowing:\n    1 row: control tokens" in render_text(found)


@pytest.mark.parametrize("model", [None, Path("/nonexistent")])
def test_without_a_tokenizer_the_report_is_an_estimate(report: Any, model: Path | None) -> None:
    found = report(GOOD, model=model)
    assert not found.lengths.exact
    assert found.lengths.model_limit is None
    assert "about" in render_text(found)


def test_both_ways_agree_on_what_needs_no_tokenizer(report: Any) -> None:
    rows = [*GOOD, *GOOD[:3], conversation(user("a")), {"messages": None}]
    exact, rough = report(rows), report(rows, model=None)
    assert exact.rows == rough.rows
    assert exact.files == rough.files
    assert (exact.plan.examples, exact.plan.held_back) == (
        rough.plan.examples,
        rough.plan.held_back,
    )


def test_rows_are_counted_while_they_are_read(tmp_path: Path) -> None:
    (tmp_path / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in GOOD))
    seen: list[None] = []
    inspect_data(
        [InputFile(tmp_path, SplitFile("d.jsonl", "train"))],
        RunContext(config=TrainingConfig(), hardware=Hardware()),
        on_row=lambda: seen.append(None),
    )
    assert len(seen) == len(GOOD)


def test_a_directory_with_weights_alone_has_no_tokenizer(model_dir: Path, tmp_path: Path) -> None:
    assert has_tokenizer(model_dir)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert not has_tokenizer(tmp_path)
