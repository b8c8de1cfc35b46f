"""Every variant of LoRA: trained for a few steps, saved, and loaded again with PEFT."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, Qwen3MoeConfig, Qwen3MoeForCausalLM

from tuner.errors import RunError
from tuner.phases import train_phase
from tuner.reporting.status_publisher import StatusPublisher
from tuner.reporting.tuning_run import TuningRun
from tuner.settings import Settings
from tuner.stop_switch import StopSwitch
from tuner.training.adapter import save_adapter
from tuner.training.checkpoint_schedule import CheckpointSchedule
from tuner.training.counting_trainer import CountingTrainer

pytestmark = [pytest.mark.timeout(400), pytest.mark.usefixtures("conversations")]

CONFIG = """
training_config:
  ModelConfig: {{torch_dtype: float32}}
  LoraConfig: {{r: 4, lora_alpha: 8, {options}}}
  TrainingArguments: {{max_steps: {steps}, learning_rate: 2e-2}}
  DatasetConfig: {{train_test_split: 1}}
"""
IDS = torch.arange(5, 25)[None]


@pytest.fixture
def experts_dir(tmp_path: Path, model_dir: Path) -> Path:
    """A random mixture of experts with the tokenizer of the other model."""
    config = Qwen3MoeConfig(
        vocab_size=405,
        hidden_size=32,
        intermediate_size=64,
        moe_intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        head_dim=8,
        num_experts=4,
        num_experts_per_tok=2,
        max_position_embeddings=256,
    )
    directory = tmp_path / "experts"
    torch.manual_seed(0)
    Qwen3MoeForCausalLM(config).save_pretrained(directory)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (directory / name).write_bytes((model_dir / name).read_bytes())
    return directory


def train(environ: dict[str, str], model: Path, options: str, steps: int = 3) -> None:
    environ["KAITO_MODEL_PATH"] = str(model)
    text = CONFIG.format(options=options, steps=steps)
    Path(environ["KAITO_CONFIG_FILE"]).write_text(text)
    settings = Settings.from_env(environ)
    run = TuningRun(
        name=settings.name,
        base_model=settings.base_model,
        method=settings.method,
        start_time=datetime.now(UTC),
    )
    assert train_phase(settings, StatusPublisher(run), StopSwitch(), {}) is not None


def logits(model: Any) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS, use_cache=False).logits.float()
    return found


def loaded(model: Path, adapter: Path) -> Any:
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    return PeftModel.from_pretrained(base, adapter)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[torch.Tensor]:
    """What each model answers at the end of its training."""
    answers: list[torch.Tensor] = []

    def saving(model: Any, *rest: Any) -> None:
        answers.append(logits(model))
        save_adapter(model, *rest)

    monkeypatch.setattr("tuner.training.train.save_adapter", saving)
    return answers


VARIANTS = {
    "rsLoRA": "use_rslora: true",
    "DoRA": "use_dora: true",
    "PiSSA": "init_lora_weights: pissa",
    "fast PiSSA": "init_lora_weights: pissa_niter_16",
    "orthogonal": "init_lora_weights: orthogonal",
    "a module that is trained whole": "modules_to_save: [lm_head]",
}


@pytest.mark.parametrize("options", VARIANTS.values(), ids=VARIANTS)
def test_the_saved_adapter_answers_as_the_trained_model(
    options: str,
    environ: dict[str, str],
    model_dir: Path,
    tmp_path: Path,
    trained: list[torch.Tensor],
) -> None:
    train(environ, model_dir, options)
    again = logits(loaded(model_dir, tmp_path / "results/adapter"))
    torch.testing.assert_close(again, trained[0], rtol=1e-3, atol=1e-3)
    plain = logits(AutoModelForCausalLM.from_pretrained(model_dir, dtype=torch.float32))
    assert float((again - plain).abs().max()) > 0.05


def test_experts_are_adapted_by_their_parameters(
    environ: dict[str, str], experts_dir: Path, tmp_path: Path, trained: list[torch.Tensor]
) -> None:
    names = "mlp.experts.gate_up_proj, mlp.experts.down_proj"
    train(environ, experts_dir, f"target_modules: [q_proj], target_parameters: [{names}]")
    adapter = tmp_path / "results/adapter"
    again = logits(loaded(experts_dir, adapter))
    torch.testing.assert_close(again, trained[0], rtol=1e-3, atol=1e-3)
    config = json.loads((adapter / "adapter_config.json").read_bytes())
    assert {*config["target_parameters"]} == {*names.split(", ")}


def test_pissa_is_saved_as_plain_lora_of_twice_the_rank(
    environ: dict[str, str], model_dir: Path, tmp_path: Path
) -> None:
    train(environ, model_dir, VARIANTS["PiSSA"])
    config = json.loads((tmp_path / "results/adapter/adapter_config.json").read_bytes())
    assert (config["init_lora_weights"], config["r"], config["lora_alpha"]) == (True, 8, 16)


def test_a_resumed_pissa_starts_from_what_it_started_from(
    environ: dict[str, str],
    model_dir: Path,
    tmp_path: Path,
    trained: list[torch.Tensor],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its start is random, so that another process would compute another one."""
    options = VARIANTS["fast PiSSA"]
    monkeypatch.setattr(CheckpointSchedule, "is_due", lambda *_: True)
    plain = CountingTrainer.training_step

    def step(self: Any, *rest: Any) -> Any:
        if self.state.global_step == 2:
            raise RuntimeError("the node is gone")
        return plain(self, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(CountingTrainer, "training_step", step)
        with pytest.raises((RunError, RuntimeError)):
            train(environ, model_dir, options, steps=4)
    torch.manual_seed(7)
    train(environ, model_dir, options, steps=4)
    again = logits(loaded(model_dir, tmp_path / "results/adapter"))
    torch.testing.assert_close(again, trained[0], rtol=1e-3, atol=1e-3)
