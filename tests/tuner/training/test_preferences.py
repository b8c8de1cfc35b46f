"""Learning which of two answers is preferred, on a base model and on a quantized one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

from tests.tuner import tiny
from tuner.batching.evaluation_room import EvaluationRoom
from tuner.batching.execution_plan import ExecutionPlan, Layout
from tuner.errors import RunError
from tuner.examples.encoder import Encoder
from tuner.phases import train_phase
from tuner.reasons import Reason
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.rows.record import Conversation, Preference
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch
from tuner.summary import TrainingSummary
from tuner.training.agreement import Agreement
from tuner.training.checkpoint_schedule import CheckpointSchedule
from tuner.training.preference_batch import PreferenceBatch
from tuner.training.preference_trainer import PreferenceTrainer

pytestmark = pytest.mark.timeout(400)

CONFIG = """
training_config:
  ModelConfig: {{torch_dtype: float32}}
  QuantizationConfig: {{load_in_4bit: {quantized}, bnb_4bit_quant_type: nf4}}
  LoraConfig: {{r: 4, lora_alpha: 8, lora_dropout: 0.1}}
  TrainingArguments:
    max_steps: {steps}
    learning_rate: 2e-3
    per_device_train_batch_size: 4
    gradient_accumulation_steps: {accumulation}
    {options}
  DatasetConfig: {{train_test_split: {split}}}
"""


def rows(count: int) -> list[dict[str, Any]]:
    """Pairs of a right and a wrong answer, of different lengths."""
    return [
        {
            "prompt": [{"role": "user", "content": f"What is {number} plus one?"}],
            "chosen": [{"role": "assistant", "content": f"Arr! It is {number + 1}. Yo ho!"}],
            "rejected": [{"role": "assistant", "content": f"{number}." + " No." * (number % 5)}],
        }
        for number in range(count)
    ]


@pytest.fixture(autouse=True)
def data(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    pq.write_table(pa.Table.from_pylist(rows(24)), directory / "train.parquet")


def settings_of(environ: dict[str, str], model: Path, **options: Any) -> Settings:
    chosen = {"quantized": "false", "steps": 6, "accumulation": 1, "split": 1, "options": ""}
    environ |= {"KAITO_METHOD": "dpo", "KAITO_MODEL_PATH": str(model)}
    Path(environ["KAITO_CONFIG_FILE"]).write_text(CONFIG.format(**{**chosen, **options}))
    return Settings.from_env(environ)


def train(settings: Settings, publisher: StatusPublisher | None = None) -> TrainingSummary | None:
    return train_phase(settings, publisher or publisher_of(settings), StopSwitch(), {})


def publisher_of(settings: Settings) -> StatusPublisher:
    run = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=datetime.now(UTC),
    )
    return StatusPublisher(run)


def points(settings: Settings) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((settings.results_dir / "loss.json").read_bytes())[
        "points"
    ]
    return found


def weights(results: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = load_file(results / "adapter/adapter_model.safetensors")
    return found


@pytest.mark.parametrize("quantized", ["false", "true"])
def test_the_model_learns_to_prefer(
    quantized: str, environ: dict[str, str], model_dir: Path
) -> None:
    settings = settings_of(environ, model_dir, quantized=quantized, steps=20, split=0.75)
    publisher = publisher_of(settings)
    summary = train(settings, publisher)
    assert summary is not None
    assert (summary.method, summary.steps, summary.dataset_rows) == ("dpo", 20, 24)
    # Without a preference, it is ln(2) = 0.693. How far it falls depends on the CPU's arithmetic.
    assert points(settings)[0]["loss"] == pytest.approx(0.693, abs=0.01)
    assert summary.loss is not None
    assert summary.loss < 0.6
    assert summary.eval_loss is not None
    assert summary.eval_loss < 0.65
    progress = publisher.run.progress
    assert progress.reward_accuracy is not None
    assert progress.reward_accuracy > 0.7
    assert progress.reward_margin is not None
    assert progress.reward_margin > 0.1
    assert points(settings)[-1]["reward_margin"] > 0.1
    card = (settings.results_dir / "adapter/README.md").read_text()
    assert "direct preference optimization (DPO)" in card
    assert "- dpo\n" in card
    assert "- sft\n" not in card
    assert "- **beta**: 0.1" in card


def test_an_interrupted_run_learns_the_same(
    environ: dict[str, str], model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CheckpointSchedule, "is_due", lambda *_: True)
    whole = settings_of(
        environ | {"KAITO_RESULTS_DIR": str(tmp_path / "whole")}, model_dir, accumulation=2
    )
    train(whole)

    class NodeLost(BaseException):
        """Ends the process, as far as the code around it can tell."""

    plain = PreferenceTrainer.training_step

    def lost(self: Any, *rest: Any) -> Any:
        if self.state.global_step == 3:
            raise NodeLost
        return plain(self, *rest)

    settings = settings_of(environ, model_dir, accumulation=2)
    with monkeypatch.context() as patch:
        patch.setattr(PreferenceTrainer, "training_step", lost)
        with pytest.raises(NodeLost):
            train(settings)
    publisher = publisher_of(settings)
    train(settings, publisher)
    assert publisher.run.progress.resumed_step == 3
    for name, weight in weights(whole.results_dir).items():
        torch.testing.assert_close(weights(settings.results_dir)[name], weight, rtol=0, atol=0)


def test_half_the_batch_learns_the_same(
    environ: dict[str, str], model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the last update of an epoch, which has fewer pairs: 22 are 2 updates of 8, and 6."""
    pq.write_table(pa.Table.from_pylist(rows(22)), tmp_path / "data/train.parquet")
    whole = settings_of(environ | {"KAITO_RESULTS_DIR": str(tmp_path / "whole")}, model_dir)
    config = whole.config_file.read_text().replace("batch_size: 4", "batch_size: 8")
    whole.config_file.write_text(config)
    train(whole)
    settings = settings_of(environ, model_dir, accumulation=2)
    train(settings)
    losses = [[point["loss"] for point in points(each)] for each in (whole, settings)]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_an_evaluation_with_less_at_a_time_gives_the_same_loss(
    environ: dict[str, str], model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"split": 0.5, "steps": 2}
    whole = settings_of(
        environ | {"KAITO_RESULTS_DIR": str(tmp_path / "whole")}, model_dir, **options
    )
    expected = train(whole)
    settings = settings_of(environ, model_dir, **options)
    monkeypatch.setattr(EvaluationRoom, "after_deaths", lambda *_: EvaluationRoom(100))
    found = train(settings)
    assert expected is not None
    assert found is not None
    assert found.eval_loss == pytest.approx(expected.eval_loss, rel=1e-5)


@pytest.fixture
def tokenizer(model_dir: Path) -> Any:
    return AutoTokenizer.from_pretrained(model_dir)


def trainers(
    make_model: Callable[[], Any], tokenizer: Any, output: Path, loss: str, limit: int
) -> tuple[Any, Any]:
    """TRL's own trainer on `rows`, and this one on what is made of them."""
    options = DPOConfig(
        output_dir=str(output),
        per_device_train_batch_size=6,
        max_length=limit,
        loss_type=[loss],
        label_smoothing=0.1,
        use_cpu=True,
        bf16=False,
        report_to=[],
        activation_checkpointing=False,
        dataloader_pin_memory=False,
    )
    lora = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")
    reference = DPOTrainer(
        model=make_model(),
        args=options,
        train_dataset=datasets.Dataset.from_list(rows(6)),
        processing_class=tokenizer,
        peft_config=lora,
    )
    encoder = Encoder(tokenizer, limit)
    examples = [
        encoder.encode(
            Preference(
                Conversation((*row["prompt"], *row["chosen"])),
                Conversation((*row["prompt"], *row["rejected"])),
            )
        ).examples[0]
        for row in rows(6)
    ]
    plan = ExecutionPlan(
        layout=Layout.PADDED,
        global_batch=6,
        micro_batch=6,
        accumulation=1,
        checkpointing=False,
        optimizer="adamw_torch_fused",
        sampling="random",
        attention="sdpa",
    )
    trainer = PreferenceTrainer(
        plan=plan,
        agreement=Agreement(),
        room=EvaluationRoom(),
        model=make_model(),
        args=options,
        data_collator=PreferenceBatch(tokenizer.pad_token_id),
        train_dataset=datasets.Dataset.from_list(
            [
                {"input_ids": each.input_ids, "labels": each.labels, "chosen": each.chosen}
                for each in examples
            ]
        ),
        processing_class=tokenizer,
        peft_config=lora,
    )
    return reference, trainer


def batch_of(trainer: Any) -> Any:
    columns = ("prompt_ids", "chosen_ids", "rejected_ids", "input_ids", "labels", "chosen")
    kept = [name for name in trainer.train_dataset.column_names if name in columns]
    return trainer.data_collator(list(trainer.train_dataset.select_columns(kept)))


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize(
    ("loss", "limit"), [("sigmoid", 1024), ("sigmoid", 20), ("ipo", 1024), ("robust", 1024)]
)
def test_the_loss_is_that_of_trl(
    loss: str, limit: int, model_dir: Path, tokenizer: Any, tmp_path: Path
) -> None:
    """On the same batch, and of weights that differ from the reference."""

    def make_model() -> Any:
        return AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32)

    reference, trainer = trainers(make_model, tokenizer, tmp_path / "output", loss, limit)
    batches = [batch_of(each) for each in (reference, trainer)]
    assert batches[0].keys() == batches[1].keys()
    for name in ("attention_mask", "completion_mask"):
        assert torch.equal(batches[0][name], batches[1][name])
    seen = batches[0]["attention_mask"].bool()
    assert torch.equal(batches[0]["input_ids"][seen], batches[1]["input_ids"][seen])
    losses = []
    for each, batch in zip((reference, trainer), batches, strict=True):
        torch.manual_seed(7)
        for parameter in each.model.parameters():
            if parameter.requires_grad:
                parameter.data.normal_(std=0.05)
        each.model.eval()
        with torch.no_grad():
            losses.append(float(each.compute_loss(each.model, batch)))
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    assert losses[0] != pytest.approx(0.693, abs=1e-3)


def test_data_without_pairs_is_refused(
    environ: dict[str, str], model_dir: Path, tmp_path: Path
) -> None:
    tiny.write_parquet(tmp_path / "data/train.parquet", tiny.conversations(4))
    with pytest.raises(RunError) as caught:
        train(settings_of(environ, model_dir))
    assert caught.value.reason is Reason.DATA_COLUMN_MISSING
    assert caught.value.message == (
        "data file train.parquet has no columns chosen and rejected, or preferred_output and "
        "non_preferred_output; it has: messages; tuning.method dpo learns from pairs of answers: "
        "rename the columns, or use method lora or qlora for this data"
    )
