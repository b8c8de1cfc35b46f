"""`plan --tune` says what a training takes, and what it costs on each instance type."""

from pathlib import Path

import pytest

from kubectl_kaito.dataset.fake import FakeChecker
from kubectl_kaito.dataset.training_cost import in_words
from kubectl_kaito.errors import CommandError
from tests.kubectl_kaito.plan.test_plan import console


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "train.jsonl"
    path.write_text("{}\n")
    return str(path)


def test_hours_and_dollars_are_those_of_each_offer(file: str) -> None:
    document = console().run("plan", "--model", "phi-4", "--tune", file, "-o", "json").json
    assert document["purpose"] == "tuning with qlora"
    assert (document["dataset"]["rows"], document["dataset"]["trainedTokens"]) == (1000, 600_000)
    for offer in document["offers"]:
        least, most = offer["trainingHours"]
        assert 0 < least < most
        if offer["pricePerHour"] is not None:
            assert offer["trainingDollars"] == pytest.approx(
                [least * offer["pricePerHour"], most * offer["pricePerHour"]], rel=0.01
            )
    faster = {o["gpus"]: o["trainingHours"][0] for o in document["offers"]}
    assert faster["1x NVIDIA A100 80 GiB"] < faster.get("4x NVIDIA T4 16 GiB", 1e9)


def test_the_table_names_the_data_and_the_price(file: str) -> None:
    out = console().run("plan", "--model", "phi-4", "--tune", file).out
    assert "Data: 1,000 rows, about 200,000 tokens; 188 steps" in out
    line = next(each for each in out.splitlines() if each.startswith("Training takes about "))
    assert (" hours, $" in line or " minutes, $" in line) and " to $" in line


@pytest.mark.parametrize(
    ("hours", "dollars", "text"),
    [
        ((0.0019, 0.0051), (0.001, 0.003), "less than a minute, less than $0.01"),
        ((0.2, 0.5), (0.4, 1.0), "about 12 to 30 minutes, $0.40 to $1.00"),
        ((3.0, 8.0), None, "about 3.0 to 8.0 hours"),
    ],
)
def test_spans_are_said_in_the_unit_that_is_easiest(
    hours: tuple[float, float], dollars: tuple[float, float] | None, text: str
) -> None:
    assert in_words(hours, dollars) == text


def test_a_url_is_not_read_here_and_the_plan_says_so() -> None:
    made = console()
    result = made.run("plan", "--model", "phi-4", "--tune", "https://data.example/x.jsonl")
    assert "the training's hours and dollars are unknown" in result.out
    assert made.datasets.checked == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--model", "phi-4", "--tune", "/nonexistent"], "--tune '/nonexistent' is no URL"),
        (["--model", "phi-4", "--tune", "https://x/y", "--apply"], "--apply is for serving"),
        (["-f", "x", "--tune", "https://x/y"], "--tune is for --model"),
    ],
    ids=["no file", "apply", "file"],
)
def test_wrong_arguments_are_named(arguments: list[str], text: str) -> None:
    result = console().run("plan", *arguments)
    assert (result.code, text in result.err) == (2, True), result


def test_a_file_that_is_no_dataset_says_why(file: str) -> None:
    made = console(datasets=FakeChecker(error=CommandError("it has no rows")))
    result = made.run("plan", "--model", "phi-4", "--tune", file)
    assert (result.code, result.err) == (1, "error: it has no rows\n")
