"""`kubectl kaito` reads a file of the user's machine as the tuner does."""

from pathlib import Path

import pytest

from kubectl_kaito.dataset.tuner_reader import TunerReader
from kubectl_kaito.errors import CommandError


def test_rows_tokens_and_steps_are_those_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"prompt": "Say hi", "completion": "hi there, friend"}\n' * 20)
    report = TunerReader().check(file, "qlora")
    assert report.summary.startswith("20 rows, about ")
    assert (report.rows, report.dropped, report.exact, report.problem) == (20, 0, False, "")
    assert report.steps > 0 and report.trained_tokens >= report.tokens > 0


def test_pairs_of_answers_are_checked_for_their_method(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    good = '{"prompt": "Say hi", "chosen": "hi there, friend", "rejected": "no"}\n'
    file.write_text(good * 20 + good.replace("no", "hi there, friend"))
    report = TunerReader().check(file, "dpo")
    assert (report.rows, report.dropped) == (21, 1)
    assert "1 chosen and rejected are the same" in report.problem
    assert "pairs.jsonl, row 21" in report.problem


def test_data_without_pairs_is_refused_for_their_method(tmp_path: Path) -> None:
    file = tmp_path / "train.jsonl"
    file.write_text('{"prompt": "Say hi", "completion": "hi there, friend"}\n')
    with pytest.raises(CommandError, match="it has: prompt, completion; tuning"):
        TunerReader().check(file, "dpo")


def test_a_file_of_no_known_shape_is_named_with_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text('{"a": 1}\n')
    with pytest.raises(CommandError, match=r"bad\.jsonl has no columns of a known shape"):
        TunerReader().check(file, "lora")
