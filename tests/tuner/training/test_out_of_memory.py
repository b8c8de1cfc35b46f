"""Real trainings of a tiny model, on a device that holds fewer tokens than are tried first."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers.models.phi3.modeling_phi3 import Phi3Model

from tuner.errors import RunError
from tuner.phases import train_phase
from tuner.reasons import Reason
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch
from tuner.summary import TrainingSummary
from tuner.training.boundary_probe import LENGTH as PROBE_LENGTH
from tuner.training.checkpoint_schedule import CheckpointSchedule
from tuner.training.counting_trainer import CountingTrainer

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("conversations")]

CONFIG = """
training_config:
  LoraConfig: {r: 4, lora_alpha: 8}
  TrainingArguments: {max_steps: 6, learning_rate: 2e-2, packing: false}
  DatasetConfig: {train_test_split: 1}
"""


@pytest.fixture(autouse=True)
def settings(environ: dict[str, str], model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    # A checkpoint after each step, however long it takes.
    monkeypatch.setattr(CheckpointSchedule, "is_due", lambda *_: True)
    environ["KAITO_MODEL_PATH"] = str(model_dir)
    environ["KAITO_POD_UID"] = "pod-1"
    Path(environ["KAITO_CONFIG_FILE"]).write_text(CONFIG)
    return Settings.from_env(environ)


def _train(settings: Settings) -> TrainingSummary | None:
    run = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=datetime.now(UTC),
    )
    return train_phase(settings, StatusPublisher(run), StopSwitch(), {})


def _room_for(sequences: int, monkeypatch: pytest.MonkeyPatch, from_step: int = 0) -> list[int]:
    """A device that has room for so many sequences at a time. Returns those that it was given."""
    given: list[int] = []
    plain = CountingTrainer.training_step

    def step(self: Any, model: Any, inputs: Any, *rest: Any) -> Any:
        given.append(len(inputs["input_ids"]))
        if given[-1] > sequences and self.state.global_step >= from_step:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return plain(self, model, inputs, *rest)

    monkeypatch.setattr(CountingTrainer, "training_step", step)
    return given


def _losses(results: Path) -> list[float]:
    return [point["loss"] for point in json.loads((results / "loss.json").read_bytes())["points"]]


def test_half_the_batch_goes_on_from_the_checkpoint_and_learns_the_same(
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert _train(settings) is not None
    whole = tmp_path / "whole"
    settings.results_dir.rename(whole)
    caplog.set_level("INFO")
    given = _room_for(4, monkeypatch, from_step=3)
    summary = _train(settings)
    assert summary is not None
    assert "out of memory in step 4: 8 sequences of up to" in caplog.text
    assert "resuming from checkpoint-3" in caplog.text
    assert given == [8, 8, 8, 8, *[4] * 6]
    assert (summary.plan["micro_batch"], summary.plan["global_batch"]) == (4, 8)
    assert _losses(settings.results_dir) == pytest.approx(_losses(whole), rel=1e-4)
    for name, tensor in load_file(whole / "adapter/adapter_model.safetensors").items():
        again = load_file(settings.results_dir / "adapter/adapter_model.safetensors")[name]
        torch.testing.assert_close(again, tensor, rtol=1e-2, atol=1e-4)


def test_a_second_time_ends_the_run_with_what_would_fit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _room_for(0, monkeypatch)
    with pytest.raises(RunError, match="out of memory in step 1: 4 sequences of up to") as caught:
        _train(settings)
    assert (caught.value.reason, caught.value.retryable) == (Reason.OUT_OF_MEMORY, False)
    assert "per_device_train_batch_size 4 with gradient_accumulation_steps 2 and" in str(
        caught.value
    )
    assert "(OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB)" in str(caught.value)
    assert given == [8, 4]


def test_a_restarted_process_does_not_try_again_what_did_not_fit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it trained with half the batch, it has no third try either."""
    with monkeypatch.context() as patch:
        _room_for(0, patch)
        with pytest.raises(RunError):
            _train(settings)
    # A killed process leaves no record of a failure.
    (settings.results_dir / "failure.json").unlink()
    given = _room_for(0, monkeypatch)
    with pytest.raises(RunError, match="out of memory in step 1: 4 sequences"):
        _train(settings)
    assert given == [4]


def test_a_process_after_one_that_was_killed_tries_half(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The kernel kills without an error that the process could report."""

    class Killed(BaseException):
        """Ends the process, as far as the code around it can tell."""

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(CountingTrainer, "training_step", kill)
        # A killed process does not take back what it has noted about itself.
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            _train(settings)
    given = _room_for(4, monkeypatch)
    summary = _train(settings)
    assert summary is not None
    assert set(given) == {4}
    assert "was killed, most often for its memory; this one computes 4 at a time" in caplog.text


EVALUATED = """
training_config:
  ModelConfig: {{torch_dtype: float32}}
  LoraConfig: {{r: 4, lora_alpha: 8}}
  TrainingArguments:
    max_steps: 2
    learning_rate: 2e-2
    eval_strategy: steps
    eval_steps: 1
    {layout}
  DatasetConfig: {{train_test_split: 0.5}}
"""


def _evaluation_room(tokens: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A device that has room for so many tokens without gradients. Returns those it was given."""
    given: list[int] = []
    plain = Phi3Model.forward

    def forward(self: Any, input_ids: torch.Tensor, *rest: Any, **options: Any) -> Any:
        # The probe of the model packs two short examples.
        if not torch.is_grad_enabled() and input_ids.numel() > 2 * PROBE_LENGTH:
            given.append(input_ids.numel())
            if given[-1] > tokens:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return plain(self, input_ids, *rest, **options)

    monkeypatch.setattr(Phi3Model, "forward", forward)
    return given


def _evaluations(results: Path) -> list[float]:
    points = json.loads((results / "loss.json").read_bytes())["points"]
    return [point["eval_loss"] for point in points]


@pytest.mark.parametrize(
    "layout",
    ["", "packing: false", "padding_free: true", "packing: true"],
    ids=["rows", "padded", "flat", "static"],
)
def test_an_evaluation_with_less_at_a_time_gives_the_same_losses(
    layout: str,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.config_file.write_text(EVALUATED.format(layout=layout))
    assert _train(settings) is not None
    whole = tmp_path / "whole"
    settings.results_dir.rename(whole)
    # An example has about 24 tokens.
    given = _evaluation_room(40, monkeypatch)
    assert _train(settings) is not None
    assert max(given) > 4 * 40
    assert "tokens at a time do not fit; it goes on with at most" in caplog.text
    assert len(_evaluations(whole)) == 2
    assert _evaluations(settings.results_dir) == pytest.approx(_evaluations(whole), rel=1e-5)
    assert _losses(settings.results_dir) == _losses(whole)


def test_an_evaluation_without_room_for_one_example_ends_the_run_with_what_would_fit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.config_file.write_text(EVALUATED.format(layout="packing: false"))
    _evaluation_room(0, monkeypatch)
    with pytest.raises(RunError) as caught:
        _train(settings)
    assert (caught.value.reason, caught.value.retryable) == (Reason.OUT_OF_MEMORY, False)
    message = caught.value.message
    assert message.startswith("out of memory in the evaluation after step 1: one example of ")
    assert 'otherwise set TrainingArguments.eval_strategy to "no", use method qlora or' in message
    assert message.endswith("(OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB)")


def test_a_last_evaluation_without_room_for_one_example_keeps_the_adapter(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = EVALUATED.format(layout="").replace("eval_strategy: steps", 'eval_strategy: "no"')
    settings.config_file.write_text(text)
    _evaluation_room(0, monkeypatch)
    summary = _train(settings)
    assert summary is not None
    assert summary.eval_loss is None
    assert (settings.results_dir / "adapter/adapter_model.safetensors").exists()
    assert "no loss on the rows held back: out of memory in the evaluation after" in caplog.text
    assert "; the adapter is kept" in caplog.text
