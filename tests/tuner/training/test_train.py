"""Real trainings of a tiny Phi-3."""

import gc
import json
import shutil
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import Mock

import pytest
from safetensors.torch import load_file
from transformers import Phi3ForCausalLM, TrainerState

from tests.tuner import tiny
from tests.tuner.process import running_tuner, wait_for
from tuner.errors import RunError
from tuner.phases import fetch_phase, train_phase
from tuner.reasons import Reason
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import RunState, TuningRun
from tuner.results import IMAGE_FILES
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch
from tuner.summary import TrainingSummary
from tuner.training.agreement import Agreement
from tuner.training.checkpoints import MARKER
from tuner.training.train import evaluate, last_evaluation

# The first test imports torch and the libraries on top of it: a minute on a busy machine.
pytestmark = pytest.mark.timeout(400)

CONFIG = """
training_config:
  QuantizationConfig: {{load_in_4bit: {qlora}, bnb_4bit_quant_type: nf4}}
  LoraConfig: {{r: 4, lora_alpha: 8}}
  TrainingArguments:
    max_steps: {steps}
    learning_rate: 2e-2
    per_device_train_batch_size: 4
  DatasetConfig: {{train_test_split: {split}}}
"""


@pytest.fixture(autouse=True)
def model(tmp_path: Path, model_dir: Path) -> Path:
    """The base model, a separate copy for each test."""
    return shutil.copytree(model_dir, tmp_path / "model")


def _publisher(settings: Settings) -> StatusPublisher:
    return StatusPublisher(
        TuningRun(
            name=settings.name,
            base_model=settings.base_model,
            method=settings.method,
            start_time=datetime.now(UTC),
        )
    )


def _train(
    environ: dict[str, str], publisher: StatusPublisher | None = None
) -> TrainingSummary | None:
    settings = Settings.from_env(environ)
    return train_phase(settings, publisher or _publisher(settings), StopSwitch(), {})


@pytest.mark.parametrize("method", ["lora", "qlora"])
@pytest.mark.usefixtures("conversations")
def test_model_learns(method: str, environ: dict[str, str], tmp_path: Path) -> None:
    environ["KAITO_METHOD"] = method
    text = CONFIG.format(qlora=str(method == "qlora").lower(), steps=30, split=0.75)
    Path(environ["KAITO_CONFIG_FILE"]).write_text(text)
    settings = Settings.from_env(environ)
    publisher = _publisher(settings)
    summary = _train(environ, publisher)
    assert summary is not None
    assert (summary.steps, summary.method, summary.dataset_rows) == (30, method, 24)
    assert summary.loss is not None
    # An untrained model guesses among the 400 tokens of the vocabulary: ln(400) = 5.99.
    assert summary.loss < 5.6
    assert summary.eval_loss is not None
    assert summary.tokens > 1000
    assert summary.versions["torch"]
    _check_adapter(tmp_path / "results" / "adapter")
    assert _logged_steps(tmp_path / "results" / "loss.json") == list(range(1, 31))
    assert _logged_steps(tmp_path / "results" / "adapter" / "loss.json") == list(range(1, 31))
    progress = publisher.run.progress
    assert (progress.step, progress.total_steps, progress.eta_seconds) == (30, 30, 0.0)
    assert (progress.eval_loss, progress.eval_step) == (summary.eval_loss, 30)
    assert progress.loss is not None
    assert progress.gradient_norm is not None
    assert progress.tokens_per_second > 0
    assert publisher.run.state is RunState.RUNNING
    assert _train(environ) == summary


def test_validation_split_replaces_the_held_back_rows(
    environ: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything of `train` is trained on, nothing of `test`, and `validation` evaluates."""
    lossy = CONFIG.format(qlora="false", steps=3, split="1, max_lost_rows: 0.2")
    _configure(environ, lossy)
    rows = [*tiny.conversations(15)]
    # No answer to learn from.
    rows[2] = rows[2][:1]
    # One row of `validation` is also in `train`: it evaluates nothing.
    for split, first, end in (("train", 0, 8), ("validation", 7, 10), ("test", 10, 15)):
        path = tmp_path / "data" / split / "0.parquet"
        path.parent.mkdir(parents=True)
        tiny.write_parquet(path, rows[first:end])
    with caplog.at_level("INFO"):
        fetch_phase(Settings.from_env(environ), environ)
        summary = _train(environ)
    assert "left out, of the split 'test': test/0.parquet" in caplog.text
    assert summary is not None
    assert summary.dataset_rows == 8 + 3
    assert "prepared 7 examples to train on and 2 to evaluate with, from 11 rows" in caplog.text
    assert summary.eval_loss is not None
    assert (summary.rows_dropped, summary.rows_cut) == (1, 0)
    card = (tmp_path / "results/adapter/README.md").read_text().splitlines()
    assert "- train/0.parquet, row 3: no answer to learn from" in card
    assert any(line.startswith("| train/0.parquet | parquet | messages | 8 |") for line in card)
    assert "- **examples**: 7 per epoch" in card


def _logged_steps(path: Path) -> list[int]:
    return [point["step"] for point in json.loads(path.read_bytes())["points"]]


def _check_adapter(directory: Path) -> None:
    assert sorted(path.name for path in directory.iterdir()) == sorted(IMAGE_FILES)
    assert "![Loss over the steps](loss.png)" in (directory / "README.md").read_text()
    config = json.loads((directory / "adapter_config.json").read_bytes())
    assert config["base_model_name_or_path"] == "phi-3-tiny"
    assert config["target_modules"] == ["down_proj", "gate_up_proj", "o_proj", "qkv_proj"]
    assert config["r"] == 4
    weights = load_file(directory / "adapter_model.safetensors")
    assert len(weights) == 2 * 4 * 2
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())
    assert any(bool(tensor.any()) for name, tensor in weights.items() if "lora_B" in name)


def _configure(environ: dict[str, str], text: str) -> None:
    Path(environ["KAITO_CONFIG_FILE"]).write_text(text)


@pytest.mark.usefixtures("conversations")
def test_stopped_training_resumes(environ: dict[str, str], tmp_path: Path) -> None:
    _configure(environ, CONFIG.format(qlora="false", steps=12, split=1))
    settings = Settings.from_env(environ)
    publisher, switch = _publisher(settings), StopSwitch()

    def stop_early() -> None:
        for run in publisher.watch(lambda: True):
            if run.progress.step >= 2:
                return switch.request_stop()

    stopper = threading.Thread(target=stop_early)
    stopper.start()
    assert train_phase(settings, publisher, switch, {}) is None
    # The process lives on, and must not hold the GPU's memory.
    assert not [each for each in gc.get_objects() if issubclass(type(each), Phi3ForCausalLM)]
    stopper.join()
    checkpoint = publisher.run.checkpoint
    assert checkpoint is not None
    assert 2 <= checkpoint.step == publisher.run.progress.step < 12
    assert not (tmp_path / "results" / "adapter").exists()
    loss = tmp_path / "results" / "loss.json"
    assert _logged_steps(loss) == list(range(1, checkpoint.step + 1))
    assert (tmp_path / "results" / "loss.png").exists()
    resumed = _publisher(settings)
    summary = _train(environ, resumed)
    assert summary is not None
    assert summary.steps == 12
    assert _logged_steps(loss) == list(range(1, 13))
    assert resumed.run.progress.resumed_step == checkpoint.step
    assert resumed.run.checkpoint is not None
    assert resumed.run.checkpoint.step >= checkpoint.step


@pytest.mark.usefixtures("conversations")
def test_killed_training_resumes(
    environ: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """SIGKILL after the first checkpoint, as the kubelet sends it after the grace period."""
    _configure(environ, CONFIG.format(qlora="false", steps=200, split=1))
    environ["KAITO_CHECKPOINT_SECONDS"] = "0.1"
    checkpoints = tmp_path / "results" / "checkpoints"
    with running_tuner("train", environ) as process:
        wait_for(lambda: list(checkpoints.glob(f"*/{MARKER}")) or process.poll() is not None)
        process.kill()
        assert process.wait() == -signal.SIGKILL, process.stdout
    saved = max(
        int(path.parent.name.rpartition("-")[2]) for path in checkpoints.glob(f"*/{MARKER}")
    )
    assert 0 < saved < 200
    caplog.set_level("INFO")
    summary = _train(environ)
    assert f"resuming from checkpoint-{saved}" in caplog.text
    assert summary is not None
    assert summary.steps == 200
    assert _logged_steps(tmp_path / "results" / "loss.json") == list(range(1, 201))


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ([], None),
        ([{"step": 30, "loss": 1.0}], None),
        ([{"step": 20, "eval_loss": 2.0}, {"step": 30, "loss": 1.0}], None),
        ([{"step": 30, "eval_loss": 1.5}, {"step": 30, "train_loss": 1.0}], 1.5),
    ],
    ids=["no log", "no evaluation", "earlier evaluation", "evaluation after the last step"],
)
def test_rows_held_back_are_not_evaluated_twice_at_the_end(
    log: list[dict[str, float]], expected: float | None
) -> None:
    assert last_evaluation(TrainerState(global_step=30, log_history=log)) == expected


def test_an_evaluation_that_fails_keeps_the_adapter(caplog: pytest.LogCaptureFixture) -> None:
    class Trainer:
        eval_dataset = ("a row",)

        def evaluate(self) -> dict[str, float]:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")

    assert evaluate(Mock(trainer=Trainer()), Agreement()) is None
    assert "the evaluation failed (RuntimeError: CUDA error: an illegal" in caplog.text
    assert "; the adapter is kept" in caplog.text


@pytest.mark.parametrize(
    ("damage", "reason", "expected"),
    [
        ("no model", Reason.MODEL_LOAD_FAILED, "config.json is missing"),
        ("no weights", Reason.MODEL_LOAD_FAILED, "cannot be loaded"),
        ("broken weights", Reason.MODEL_LOAD_FAILED, "cannot be loaded: SafetensorError"),
        ("unknown option", Reason.CONFIG_INVALID, "did you mean 'lora_alpha'?"),
        ("wrong combination", Reason.CONFIG_INVALID, "section LoraConfig"),
        ("unknown module", Reason.CONFIG_INVALID, "Target modules"),
        ("no answers", Reason.DATA_ROWS_LOST, "4 of 4 rows (100 %) would be dropped or cut"),
        ("all lost", Reason.DATA_EMPTY, "none of the 4 rows can be trained on"),
        ("no template", Reason.CONFIG_INVALID, "has no chat template"),
        ("strict template", Reason.DATA_ROWS_LOST, "4 refused by the chat template"),
    ],
)
def test_error_has_its_reason(
    damage: str, reason: Reason, expected: str, environ: dict[str, str], tmp_path: Path, model: Path
) -> None:
    (tmp_path / "data").mkdir()
    rows = tiny.conversations(4)
    if damage in ("no answers", "all lost"):
        rows = [messages[:1] for messages in rows]
    tiny.write_parquet(tmp_path / "data" / "x.parquet", rows)
    sections = {
        "unknown option": "LoraConfig: {lora_alfa: 8}",
        "wrong combination": "LoraConfig: {target_modules: all-linear, layers_pattern: h}",
        "all lost": "DatasetConfig: {max_lost_rows: 1}",
        "unknown module": "LoraConfig: {target_modules: [nonsense]}",
        "strict template": """ModelConfig: {chat_template: "{{ raise_exception('no') }}"}""",
    }
    _configure(environ, f"training_config: {{{sections.get(damage, '')}}}")
    if damage == "no model":
        (model / "config.json").unlink()
    elif damage == "no weights":
        (model / "model.safetensors").unlink()
    elif damage in ("broken weights", "wrong combination"):
        (model / "model.safetensors").write_bytes(b"broken" * 100)
    elif damage == "no template":
        (model / "chat_template.jinja").unlink()
    with pytest.raises(RunError) as caught:
        _train(environ)
    assert caught.value.reason is reason
    assert expected in caught.value.message


@pytest.mark.usefixtures("conversations")
def test_training_that_overflows_fails_with_the_remedy(
    environ: dict[str, str], tmp_path: Path
) -> None:
    text = CONFIG.format(qlora="false", steps=8, split=0.75)
    _configure(environ, text.replace("lora_alpha: 8", f"lora_alpha: {10**30}"))
    with pytest.raises(RunError, match=r"lower TrainingArguments\.learning_rate") as caught:
        _train(environ)
    assert caught.value.reason is Reason.TRAINING_FAILED
    assert not caught.value.retryable
    assert "step 1 of 8: the norm of the gradient is inf (loss: " in caught.value.message
    assert _logged_steps(tmp_path / "results" / "loss.json") == [1]
    assert not (tmp_path / "results" / "adapter").exists()


@pytest.mark.parametrize("packing", [False, True])
def test_answers_out_of_reach_are_found_before_the_training(
    packing: bool, environ: dict[str, str], tmp_path: Path
) -> None:
    rows = tiny.conversations(4)
    for messages in rows:
        messages[0]["content"] = "so long that it fills the example " * 40
    (tmp_path / "data").mkdir()
    tiny.write_parquet(tmp_path / "data" / "x.parquet", rows)
    text = f"training_config: {{TrainingArguments: {{packing: {str(packing).lower()}}}}}"
    _configure(environ, text)
    with pytest.raises(RunError, match=r"4 prompt too long.*x\.parquet, rows 1, 2, 3, 4") as caught:
        _train(environ)
    assert caught.value.reason is Reason.DATA_ROWS_LOST


@pytest.mark.usefixtures("conversations")
def test_adapter_that_learned_nothing_is_not_saved(environ: dict[str, str], tmp_path: Path) -> None:
    text = CONFIG.format(qlora="false", steps=2, split=1)
    _configure(environ, text.replace("learning_rate: 2e-2", "learning_rate: 1e-60"))
    with pytest.raises(RunError, match="every matrix B is zero") as caught:
        _train(environ)
    assert caught.value.reason is Reason.TRAINING_FAILED
    assert not (tmp_path / "results" / "adapter").exists()
    assert not (tmp_path / "results" / "summary.json").exists()


@pytest.mark.parametrize("packing", ["false", "true", "true, packing_strategy: wrapped"])
def test_lost_rows_do_not_fail_the_run_within_the_limit(
    packing: str, environ: dict[str, str], tmp_path: Path
) -> None:
    rows = tiny.conversations(8)
    rows[-1][0]["content"] = "so long that it fills the example " * 40
    (tmp_path / "data").mkdir()
    tiny.write_parquet(tmp_path / "data" / "x.parquet", rows)
    text = CONFIG.format(qlora="false", steps=2, split=0.9)
    text = text.replace("DatasetConfig: {", "DatasetConfig: {max_lost_rows: 0.2, ")
    _configure(
        environ,
        text.replace(
            "max_steps: 2", f"max_steps: 2\n    packing: {packing}".replace(", ", "\n    ")
        ),
    )
    settings = Settings.from_env(environ)
    publisher = _publisher(settings)
    summary = _train(environ, publisher)
    assert summary is not None
    assert summary.steps == 2
    assert summary.eval_loss is not None
    lost = publisher.run.lost_rows
    assert lost is not None
    assert (lost.rows, lost.dropped, dict(lost.by_cause)) == (8, 1, {"prompt_too_long": 1})
