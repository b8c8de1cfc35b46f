"""How a run loads its training_config.yaml. What the file may hold: tests/kaito_training."""

import json
from pathlib import Path

import pytest

from tests.tuner.process import run_tuner
from tuner.config.load import default_config, load_config, parse_config
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.settings import Method


@pytest.mark.parametrize("method", list(Method))
def test_default_config_is_valid_for_its_method(method: Method, tmp_path: Path) -> None:
    config = load_config(tmp_path / "absent.yaml", method)
    assert config.quantization.active is (method is not Method.LORA)
    assert config.dataset.preferences is (method is Method.DPO)
    assert config.model.torch_dtype == "bfloat16"
    assert config.lora == {"r": 8, "lora_alpha": 8, "lora_dropout": 0.0}
    # The tuner chooses it.
    assert "per_device_train_batch_size" not in config.training
    assert config.dataset.train_test_split == 1
    assert config.digest.startswith("sha256:")
    assert not config.warnings


def test_default_of_qlora_is_that_of_lora_plus_quantization() -> None:
    lora, qlora, dpo = (parse_config(default_config(method), method) for method in Method)
    assert (dpo.model, dpo.quantization, dpo.lora) == (qlora.model, qlora.quantization, qlora.lora)
    assert qlora.quantization.bnb_4bit_quant_type == "nf4"
    assert qlora.quantization.bnb_4bit_use_double_quant
    assert (lora.model, lora.lora, lora.training) == (qlora.model, qlora.lora, qlora.training)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"training_config: {LoraConfig: {r: eight}}", "LoraConfig.r is 'eight'; use a whole"),
        (b"\xff\xfe\x00", "it cannot be read"),
    ],
)
def test_wrong_file_is_not_retried(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "training_config.yaml"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        load_config(path, Method.LORA)
    assert caught.value.reason is Reason.CONFIG_INVALID
    assert not caught.value.retryable
    assert caught.value.message.startswith("training_config.yaml: ")
    assert expected in caught.value.message


def test_what_has_no_effect_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "training_config.yaml"
    path.write_text("training_config: {DataCollator: {mlm: true}, LoraConfig: {use_dora: true}}")
    load_config(path, Method.LORA)
    assert [record.message for record in caplog.records] == [
        "training_config.yaml: DataCollator.mlm has no effect on causal language models",
        "training_config.yaml: no Workspace can serve the adapter: LoraConfig.use_dora is True; "
        "remove it",
    ]


def test_fetch_refuses_the_file_before_it_downloads(environ: dict[str, str]) -> None:
    """Nothing listens at the URL: an attempt would end as DataUnreachable."""
    environ["KAITO_DATA_URLS"] = '["http://127.0.0.1:1/x.parquet"]'
    text = "training_config: {TrainingArguments: {num_train_epochs: 0}}"
    Path(environ["KAITO_CONFIG_FILE"]).write_text(text)
    code, _, _ = run_tuner("fetch", environ)
    message = json.loads(Path(environ["KAITO_TERMINATION_LOG"]).read_bytes())
    assert (code, message["reason"]) == (1, "ConfigInvalid")
    assert "TrainingArguments.num_train_epochs is 0; use a number above 0" in message["message"]


def test_key_of_a_volume_has_no_effect_on_urls(environ: dict[str, str]) -> None:
    environ["KAITO_DATA_URLS"] = '["http://169.254.169.254/x.parquet"]'
    environ["KAITO_ALLOW_PRIVATE_DATA_HOSTS"] = "false"
    text = "training_config: {DatasetConfig: {dataset_path: /mnt/data/x}}"
    Path(environ["KAITO_CONFIG_FILE"]).write_text(text)
    _, out, _ = run_tuner("fetch", environ)
    assert "DatasetConfig.dataset_path has no effect: tuning.input.urls names the files" in out
