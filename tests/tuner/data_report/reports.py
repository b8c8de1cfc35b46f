"""Reports to render, each with only what a test is about."""

from typing import Any

from tuner.data_report.cost import Hardware, estimate_cost
from tuner.data_report.length_distribution import distribution
from tuner.data_report.report import (
    DataReport,
    FileReport,
    Lengths,
    RowReport,
    SampleReport,
)
from tuner.data_report.training_plan import plan_training

A100 = Hardware(
    instance_type="Standard_NC24ads_A100_v4",
    gpus="1x NVIDIA A100 80 GiB",
    peak_tflops=312,
    price_per_hour=3.673,
    price_source="list price",
)
COUNTS = {12: 3, 30: 100, 200: 500, 400: 300, 1322: 2}


def file(name: str = "train.jsonl", **changes: Any) -> FileReport:
    values = {"format": "jsonl", "shape": "messages", "rows": 1000, "size": 1_234_567}
    return FileReport(name=name, **{**values, **changes})


def lost_row(number: int, detail: str = "the answer is null") -> dict[str, Any]:
    return {"file": "train.jsonl", "number": number, "cause": "empty", "detail": detail}


def report(**changes: Any) -> DataReport:
    """The report on 1000 rows, 905 of them examples to train on, on one A100."""
    plan = plan_training(
        {"per_device_train_batch_size": 8}, examples=905, held_back=95, tokens=225_680
    )
    values: dict[str, Any] = {
        "files": (file(),),
        "rows": RowReport(read=1000, max_lost_rows=0.01),
        "lengths": Lengths(
            exact=True,
            examples=distribution(COUNTS),
            learned=75_226,
            max_length=1024,
            sufficient=1322,
            model_limit=4096,
        ),
        "plan": plan,
        "cost": estimate_cost(plan.tokens, 3_821_079_552, A100),
    }
    return DataReport(**{**values, **changes})


def sample(*pieces: tuple[str, bool]) -> SampleReport:
    return SampleReport(file="train.jsonl", row=1, tokens=34, pieces=pieces)
