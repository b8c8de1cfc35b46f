"""`python -m tuner check`, as its user sees it."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tuner import tiny
from tests.tuner.sources.server import Answer, DataServer
from tuner.__main__ import main

PAIR = {"prompt": "What is 1 plus 1?", "completion": "It is 2."}
CONFIG = """
training_config:
  DatasetConfig:
    {}
  TrainingArguments:
    output_dir: /mnt/results
"""


@pytest.fixture(autouse=True)
def logging_stays() -> Iterator[None]:
    """The command configures logging for its whole process, which here is that of all tests."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def write_lines(path: Path, *rows: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a good file and a bad one."""
    monkeypatch.chdir(tmp_path)
    write_lines(tmp_path / "good.jsonl", PAIR, {**PAIR, "completion": "Two."}, PAIR)
    write_lines(tmp_path / "bad.jsonl", PAIR, {**PAIR, "completion": None})
    return tmp_path


def check(
    capsys: pytest.CaptureFixture[str], *arguments: str, **environ: str
) -> tuple[int, str, str]:
    """Exit code, stdout and stderr."""
    code = main(["check", *arguments], dict(environ))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def check_json(capsys: pytest.CaptureFixture[str], *arguments: str, **environ: str) -> Any:
    return json.loads(check(capsys, *arguments, "--json", **environ)[1])


def test_good_data(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = check(capsys, "good.jsonl")
    assert (code, err) == (0, "")
    assert "good.jsonl  jsonl   prompt-completion     3  170 B" in out
    assert "duplicates   1 (33.3 %)" in out
    assert "  + " in out
    assert out.endswith("The data can be trained on.\n")


def test_bad_data_has_the_reason_of_a_run(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = check(capsys, "bad.jsonl")
    assert code == 1
    assert "bad.jsonl, row 2: empty: column completion is null; it must hold text" in out
    assert "The data cannot be trained on (DataRowsLost): 1 of 2 rows (50 %)" in out


def test_data_that_cannot_be_read(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "page.jsonl").write_text("<!DOCTYPE html><html>Sign in</html>")
    code, out, err = check(capsys, "page.jsonl")
    assert (code, out) == (1, "")
    assert err.startswith("tuner: DataUnreadable: data file page.jsonl")
    assert "Traceback" not in err


def test_data_that_cannot_be_read_as_json(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "page.jsonl").write_text("<!DOCTYPE html><html>Sign in</html>")
    document = check_json(capsys, "page.jsonl")
    assert document["reason"] == "DataUnreadable"
    assert "page.jsonl" in document["problem"]


def test_json_is_the_whole_report(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = check_json(capsys, "bad.jsonl")
    assert document["reason"] == "DataRowsLost"
    assert document["rows"]["first_lost"][0]["number"] == 2
    assert document["files"][0]["shape"] == "prompt-completion"
    assert document["lengths"]["exact"] is False


def test_several_files_of_different_formats(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "more.csv").write_text("prompt,completion\na,b\nc,d\n")
    document = check_json(capsys, "good.jsonl", "more.csv")
    assert [(file["name"], file["rows"]) for file in document["files"]] == [
        ("good.jsonl", 3),
        ("more.csv", 2),
    ]


def test_files_of_the_same_name_are_kept_apart(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_lines(data / "a/x.jsonl", PAIR)
    write_lines(data / "b/x.jsonl", PAIR, PAIR)
    document = check_json(capsys, "a/x.jsonl", "b/x.jsonl")
    assert [(file["name"], file["rows"]) for file in document["files"]] == [
        ("a/x.jsonl", 1),
        ("b/x.jsonl", 2),
    ]


def test_directory_with_splits(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_lines(data / "hub/train.jsonl", PAIR, {**PAIR, "completion": "Zwei."})
    write_lines(data / "hub/validation.jsonl", {**PAIR, "completion": "Deux."})
    write_lines(data / "hub/test.jsonl", PAIR)
    document = check_json(capsys, "hub")
    assert [file["name"] for file in document["files"]] == [
        "hub/train.jsonl",
        "hub/validation.jsonl",
    ]
    assert (document["plan"]["examples"], document["plan"]["held_back"]) == (2, 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.jsonl", "DataEmpty: there is no file missing.jsonl; check the path"),
        ("empty", "DataEmpty: empty holds no data file"),
    ],
)
def test_nothing_there(
    name: str, message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (data / "empty").mkdir()
    code, _, err = check(capsys, name)
    assert code == 1
    assert err.startswith(f"tuner: {message}")


def test_url(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    body = tiny.write_parquet(tmp_path / "x.parquet", tiny.conversations(5)).read_bytes()
    with DataServer({"/d.parquet": [Answer(body=body)]}).running() as server:
        code, out, _ = check(
            capsys, f"{server.url}/d.parquet?sig=s3cret", KAITO_ALLOW_PRIVATE_DATA_HOSTS="true"
        )
    assert code == 0
    assert "d.parquet  parquet  messages     5" in out
    assert "s3cret" not in out
    assert list(Path("/tmp").glob("kaito-check-*/d.parquet")) == []


def test_url_of_a_private_address_is_refused_as_in_a_run(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = check(capsys, "http://127.0.0.1:1/x.parquet")
    assert code == 1
    assert err.startswith("tuner: DataUnreachable:")
    assert "not public" in err


def test_configuration_of_the_run_applies(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "c.yaml").write_text(CONFIG.format("max_lost_rows: 0.5"))
    document = check_json(capsys, "bad.jsonl", "--config", "c.yaml")
    assert document["problem"] == ""
    assert document["rows"]["max_lost_rows"] == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "ConfigInvalid: training_config.yaml: there is no file c.yaml; check the path"),
        (CONFIG.format("max_lost_rows: many"), "ConfigInvalid: training_config.yaml: "),
        ("[", "ConfigInvalid: training_config.yaml: "),
    ],
    ids=["missing", "a word for a number", "no YAML"],
)
def test_configuration_that_is_wrong(
    text: str | None, message: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if text is not None:
        (data / "c.yaml").write_text(text)
    code, _, err = check(capsys, "good.jsonl", "--config", "c.yaml")
    assert code == 1
    assert err.startswith(f"tuner: {message}")


def test_hours_and_dollars(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--instance-type", "standard_nc24ads_a100_v4", "--parameters", "7e9"]
    cost = check_json(capsys, "good.jsonl", *arguments)["cost"]
    assert cost["unknown"] == []
    assert cost["dollars"][1] == pytest.approx(cost["hours"][1] * 3.673)
    priced = check_json(capsys, "good.jsonl", *arguments, "--price", "10")["cost"]
    assert priced["dollars"][1] == pytest.approx(cost["hours"][1] * 10)


def test_without_an_instance_type_nothing_is_invented(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = check(capsys, "good.jsonl")
    assert "unknown: the model's size, the GPU's speed and the node's price are not known" in out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["good.jsonl", "--price", "nan"],
        ["good.jsonl", "--price", "-1"],
        ["good.jsonl", "--price", "cheap"],
        ["good.jsonl", "--parameters", "0"],
        ["good.jsonl", "--parameters", "inf"],
        ["good.jsonl", "--method", "full"],
        ["good.jsonl", "--unknown"],
    ],
)
def test_wrong_usage(arguments: list[str], data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["check", *arguments], {})
    assert raised.value.code == 2
    assert "usage: python -m tuner" in capsys.readouterr().err


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["check", "--help"], {})
    assert raised.value.code == 0
    out = capsys.readouterr().out
    assert "python -m tuner check train.jsonl" in out
    assert "Exit codes: 0 the data can be trained on, 1 it cannot, 2 wrong usage" in out


def test_with_a_model_the_report_is_exact(
    data: Path, model_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = check_json(capsys, "good.jsonl", "--model", str(model_dir))
    assert document["lengths"]["exact"]
    assert document["lengths"]["model_limit"] == 256
    assert document["cost"]["parameters"] > 0
    pieces = document["samples"][0]["pieces"]
    assert [learned for _, learned in pieces] == [False, True]
    assert pieces[0][0] == "<|user|>\nWhat is 1 plus 1?<|end|>\n<|assistant|>\n"


def test_model_without_a_tokenizer(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = check(capsys, "good.jsonl", "--model", str(data))
    assert code == 1
    assert err.startswith(f"tuner: ModelLoadFailed: --model: {data} holds no tokenizer")


def test_tokenizer_that_is_broken(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "tokenizer.json").write_text("{")
    code, _, err = check(capsys, "good.jsonl", "--model", str(data))
    assert code == 1
    assert err.startswith("tuner: ModelLoadFailed: the model at ")
