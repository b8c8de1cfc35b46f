"""The model card as its reader sees it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kaito_training.sections import QuantizationConfig, TrainingConfig
from tests.tuner.data_report.reports import lost_row, report, sample
from tests.tuner.registry.adapters import write_adapter
from tests.tuner.summaries import SUMMARY
from tuner.data_report.report import RowReport
from tuner.model_card.card import CardInputs, render_card
from tuner.model_card.hyperparameters import hyperparameters
from tuner.model_card.save import save_card

REPORT = report(
    rows=RowReport(
        read=1000, dropped=1, causes={"empty": 1}, first_lost=(lost_row(12, "'my secret'"),)
    ),
    samples=(sample(("my secret", True)),),
)
INPUTS = CardInputs(
    summary=replace(SUMMARY, versions={"trl": "1.16.0"}, eval_loss=0.5),
    config=TrainingConfig(training={"max_length": 2048, "hub_token": "hf_s3cret"}),
    adapter_config={"r": 8, "lora_alpha": 16, "target_modules": ["o_proj", "k_proj"]},
    hub_id="microsoft/Phi-3-mini-4k-instruct",
    urls=("https://user:pw@example.com/d/train.jsonl?sig=s3cret#x",),
    report=REPORT,
)


@pytest.mark.parametrize(
    "line",
    [
        "# phi-3-tiny lora adapter",
        "base = AutoModelForCausalLM.from_pretrained('microsoft/Phi-3-mini-4k-instruct')",
        "- **loss, mean of the last steps**: 0.25",
        "- **loss on the rows held back**: 0.5",
        "- **r**: 8",
        "- **target\\_modules**: k\\_proj, o\\_proj",
        "- **learning\\_rate**: 0.0002",
        "- **max\\_length**: 1024",
        "- **source**: https://example.com/d/train.jsonl",
        "- **digest**: sha256:da",
        "- **dropped**: 1 (0.1 %)",
        "- train.jsonl, row 12: empty",
        "- **trl**: 1.16.0",
    ],
)
def test_card_says(line: str) -> None:
    assert line in render_card(INPUTS).splitlines()


@pytest.mark.parametrize("secret", ["s3cret", "pw@", "my secret", "2026-01-02"])
def test_card_holds_no_secret_no_data_and_no_time(secret: str) -> None:
    assert secret not in render_card(INPUTS)


def test_card_without_report_and_hub_name() -> None:
    text = render_card(CardInputs(summary=SUMMARY, config=TrainingConfig()))
    assert "A LoRA adapter for phi-3-tiny, trained by KAITO" in text
    assert "huggingface.co" not in text


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (TrainingConfig(), ("num_train_epochs", "3")),
        (TrainingConfig(training={"num_train_epochs": 0.5}), ("num_train_epochs", "0.5")),
        (TrainingConfig(training={"max_steps": 7}), ("max_steps", "7")),
        (TrainingConfig(training={"packing": True}), ("packing", "true")),
        (
            TrainingConfig(quantization=QuantizationConfig(load_in_4bit=True)),
            ("base model", "4 bits, fp4"),
        ),
        (
            TrainingConfig(quantization=QuantizationConfig(load_in_8bit=True)),
            ("base model", "8 bits"),
        ),
    ],
)
def test_hyperparameters(config: TrainingConfig, expected: tuple[str, str]) -> None:
    assert expected in list(hyperparameters(config, {}, 512, {}))


def test_max_steps_replace_the_epochs() -> None:
    listed = dict(hyperparameters(TrainingConfig(training={"max_steps": 7}), {}, None, {}))
    assert listed["max_steps"] == "7"
    assert "num_train_epochs" not in listed


def test_max_length_is_the_one_in_effect() -> None:
    config = TrainingConfig(training={"max_length": 4096})
    assert dict(hyperparameters(config, {}, 512, {}))["max_length"] == "512"
    assert "max_length" not in dict(hyperparameters(config, {}, None, {}))


def test_the_sequences_of_an_update_are_those_of_the_plan() -> None:
    listed = dict(hyperparameters(TrainingConfig(), {}, 512, {"global_batch": 4}))
    assert listed["sequences per update"] == "4"
    assert "sequences per update" not in dict(hyperparameters(TrainingConfig(), {}, 512, {}))


def test_max_steps_are_listed_only_if_set() -> None:
    assert "max_steps" not in dict(hyperparameters(TrainingConfig(), {}, 512, {}))


def test_files_beside_the_adapter(tmp_path: Path) -> None:
    adapter = write_adapter(tmp_path / "adapter")
    save_card(adapter, INPUTS)
    assert "- **r**: 8" in (adapter / "README.md").read_text()
    summary: dict[str, Any] = json.loads((adapter / "training_summary.json").read_bytes())
    assert summary["steps"] == 12
    assert summary["data"]["dropped"] == 1
    assert summary["data"]["lost"] == [{"file": "train.jsonl", "number": 12, "cause": "empty"}]


def test_same_training_at_another_time_leaves_the_same_files(tmp_path: Path) -> None:
    contents = []
    for name, seconds in (("one", 1.0), ("two", 2.0)):
        adapter = write_adapter(tmp_path / name)
        changed = replace(
            INPUTS.summary, seconds=seconds, finished_at=f"2026-01-0{seconds:.0f}", fingerprint=name
        )
        save_card(adapter, replace(INPUTS, summary=changed))
        contents.append({path.name: path.read_bytes() for path in adapter.iterdir()})
    assert contents[0] == contents[1]
