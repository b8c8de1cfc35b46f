"""The report as the user reads it in a terminal or a log."""

import random

import pytest

from tests.tuner.data_report.reports import COUNTS, file, lost_row, report, sample
from tuner.data_report.cost import Hardware, estimate_cost
from tuner.data_report.length_distribution import distribution
from tuner.data_report.report import Lengths, RowReport
from tuner.data_report.text import WIDTH, render_text

ROUGH = Lengths(exact=False, examples=distribution(COUNTS))


def test_whole_report() -> None:
    rows = RowReport(
        read=1000,
        dropped=7,
        cut=2,
        max_lost_rows=0.01,
        causes={"empty": 7, "cut to max_length": 2},
        first_lost=(lost_row(12),),
        duplicates=12,
    )
    shown = sample(("<|user|>\nHi<|end|>\n", False), ("Arr!<|end|>\n", True))
    assert render_text(report(rows=rows, samples=(shown,))) == EXPECTED


EXPECTED = """\
Files
  file         format  shape      rows    size
  train.jsonl  jsonl   messages  1,000  1.2 MB

Rows
  read         1,000
  dropped      7 (0.7 %)
  cut          2 (0.2 %)
  lost in all  0.9 %, allowed: 1 % (DatasetConfig.max_lost_rows)
  duplicates   12 (1.2 %)
  Lost by cause:
    7 empty
    2 cut to max_length
  First 1 of 9 lost rows:
    train.jsonl, row 12: empty: the answer is null

Tokens
  per example  min  10 %  median  90 %  99 %    max
  tokens        12    30     200   400   400  1,322
  in all      225,680
  learned     75,226 (33.3 %)
  max_length  1,024 in effect; 1,322 loses nothing

Training
  examples   905 per epoch
  held back  95 for evaluation
  steps      342 (3 epochs, 8 sequences per batch)
  time       2 to 6 minutes on 1x NVIDIA A100 80 GiB
  cost       $0.13 to $0.34 ($3.673 per hour, list price)
  basis      6 operations x 3.82 billion parameters x 677,040 tokens, at 15 to 40 % of the 312
             TFLOPS of one GPU; without starting, evaluation and checkpoints

Examples as the model sees them
  train.jsonl, row 1: 34 tokens; lines with + are learned
      <|user|>↵
      Hi<|end|>↵
    + Arr!<|end|>↵

The data can be trained on."""


def test_without_a_tokenizer_tokens_are_estimated_and_no_cut_is_claimed() -> None:
    text = render_text(report(lengths=ROUGH))
    assert "about 225,680 tokens (4 characters per token)" in text
    assert "cut          unknown: without the model's tokenizer no length is known" in text
    assert "max_length" not in text
    assert "learned" not in text
    assert "time       about 2 to 6 minutes" in text


def test_unusable_data_has_the_reason_and_no_plan() -> None:
    nothing = Lengths(exact=True, examples=None)
    text = render_text(report(lengths=nothing, reason="DataEmpty", problem="no row"))
    assert text.endswith("The data cannot be trained on (DataEmpty): no row")
    assert "Training" not in text
    assert "Tokens" not in text


@pytest.mark.parametrize(
    ("hardware", "parameters", "expected"),
    [
        (Hardware(), None, "unknown: the model's size, the GPU's speed and the node's price are"),
        (Hardware(peak_tflops=312), 10**9, "cost       unknown: the node's price is not known"),
        (
            Hardware(peak_tflops=312, price_per_hour=1),
            None,
            "time and cost  unknown: the model's size is not known",
        ),
    ],
)
def test_what_is_unknown_is_said(hardware: Hardware, parameters: int | None, expected: str) -> None:
    assert expected in render_text(report(cost=estimate_cost(1000, parameters, hardware)))


def test_a_length_beyond_the_model_is_said() -> None:
    lengths = Lengths(
        exact=True,
        examples=distribution(COUNTS),
        max_length=1024,
        sufficient=5000,
        model_limit=4096,
    )
    text = render_text(report(lengths=lengths))
    assert "1,024 in effect; 5,000 loses nothing, but the model takes 4,096" in text


@pytest.mark.parametrize("seed", range(60))
def test_lines_fit_and_print_no_control_character(seed: int) -> None:
    chance = random.Random(seed)

    def noise(most: int) -> str:
        return "".join(
            chance.choice("ab c-\t\x1b\n\u200b…,.") for _ in range(chance.randint(1, most))
        )

    rows = RowReport(
        read=10**9,
        dropped=10**8,
        causes={"malformed": 10**8},
        first_lost=tuple(lost_row(n, noise(400)) for n in range(20)),
    )
    text = render_text(
        report(
            files=tuple(
                file(noise(200), shape=noise(60), rows=10**9, size=10**12) for _ in range(3)
            ),
            rows=rows,
            samples=(sample((noise(500), False), (noise(500), True)),),
            problem=noise(300),
        )
    )
    for line in text.split("\n"):
        assert len(line) <= WIDTH
        assert line.isprintable()


def test_columns_that_are_not_read_are_named() -> None:
    choice = "data file train.jsonl is read as text (text); not read: code"
    text = render_text(report(files=(file(choices=(choice,)),)))
    assert f"  What is read, and what is not:\n    {choice}\n" in text
