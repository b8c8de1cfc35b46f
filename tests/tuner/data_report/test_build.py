"""The report from what was found."""

import json
from collections import Counter
from typing import Any

import pytest

from kaito_training.sections import DatasetConfig, TrainingConfig
from tests.tuner.data_report.reports import A100
from tuner.data_report.build import ReportFile, RunContext, build_report
from tuner.data_report.findings import Findings
from tuner.data_report.report import DataReport
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.rows.row import LossCause, Row, RowFault
from tuner.rows.row_losses import RowLosses

FILES = (ReportFile(name="a.zip", format="zip of jsonl", size=99),)


def losses() -> RowLosses:
    lost = RowLosses(rows=10)
    lost.add(Row("a.zip/x.jsonl", 3, {}), RowFault(LossCause.EMPTY, "completion is null"))
    return lost


def report(options: dict[str, Any] | None = None, problem: RunError | None = None) -> DataReport:
    found = Findings(
        is_exact=True,
        losses=losses(),
        rows={"a.zip/x.jsonl": 7, "a.zip/y.jsonl": 3, "a.zipped": 5},
        shapes={"a.zip/x.jsonl": "pair", "a.zip/y.jsonl": "pair", "a.zipped": "text"},
        choices={"a.zip/x.jsonl": "x is read as pair", "a.zip/y.jsonl": "y is ...; not read: id"},
        lengths=Counter({100: 10}),
        learned=400,
        train=8,
        held_back=2,
        max_length=1024,
        sufficient=100,
        notes={"control tokens occur in the text": 2},
    )
    config = TrainingConfig(training=options or {}, dataset=DatasetConfig(max_lost_rows=0.2))
    context = RunContext(config=config, hardware=A100, parameters=10**9, model_limit=4096)
    return build_report(FILES, found, context, problem)


def test_members_count_for_their_archive() -> None:
    (file,) = report().files
    assert (file.rows, file.shape, file.format, file.size) == (10, "pair", "zip of jsonl", 99)


def test_files_of_which_all_is_read_are_not_explained() -> None:
    (file,) = report().files
    assert file.choices == ("y is ...; not read: id",)


def test_rows() -> None:
    rows = report().rows
    assert (rows.read, rows.dropped, rows.cut, rows.max_lost_rows) == (10, 1, 0, 0.2)
    assert rows.causes == {"empty": 1}
    assert rows.first_lost == (
        {"file": "a.zip/x.jsonl", "number": 3, "cause": "empty", "detail": "completion is null"},
    )
    assert rows.notes == {"control tokens occur in the text": 2}


def test_plan_counts_the_tokens_of_the_training_only() -> None:
    plan = report({"num_train_epochs": 2}).plan
    # 8 of 10 examples of 100 tokens, twice.
    assert (plan.examples, plan.held_back, plan.tokens) == (8, 2, 1600)


@pytest.mark.parametrize(
    ("options", "factor"),
    [
        ({}, 6),
        ({"gradient_checkpointing": False}, 4),
        ({"activation_checkpointing": False}, 4),
        ({"activation_checkpointing": True, "gradient_checkpointing": False}, 6),
        ({"activation_checkpointing": None}, 6),
    ],
)
def test_checkpointing_costs_operations(options: dict[str, Any], factor: int) -> None:
    assert report(options).cost.operations_per_token == factor * 10**9


def test_problem_is_in_the_report() -> None:
    found = report(problem=RunError(Reason.DATA_EMPTY, "no row"))
    assert (found.reason, found.problem) == ("DataEmpty", "no row")


def test_report_is_json() -> None:
    document = json.loads(json.dumps(report().to_json()))
    assert document["rows"]["read"] == 10
    assert document["lengths"]["examples"]["median"] == 100
    assert document["cost"]["hardware"]["instance_type"] == "Standard_NC24ads_A100_v4"
