"""Loads the tokenizer from the model directory. Needs no weights."""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer

from kaito_training.sections import ModelConfig
from tuner.base_model.error_translation import load_errors
from tuner.config.errors import config_invalid


def load_tokenizer(path: Path, config: ModelConfig, eos_token: str | None = None) -> Any:
    """The tokenizer, with a pad token, and with the chat template of `config` if it sets one.

    `eos_token` ends a text, in place of the tokenizer's own.

    Raises:
        RunError: MODEL_LOAD_FAILED or CONFIG_INVALID.
    """
    with load_errors(str(path)):
        tokenizer = AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=config.trust_remote_code
        )
    if eos_token is not None:
        tokenizer.eos_token = eos_token
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if config.chat_template is not None:
        tokenizer.chat_template = _chat_template(config.chat_template)
    return tokenizer


def read_max_positions(path: Path, config: ModelConfig) -> int | None:
    """The longest sequence that the model takes, in tokens; None if its config does not say.

    Raises:
        RunError: MODEL_LOAD_FAILED.
    """
    with load_errors(str(path)):
        model_config = AutoConfig.from_pretrained(
            path, local_files_only=True, trust_remote_code=config.trust_remote_code
        )
    return getattr(model_config.get_text_config(), "max_position_embeddings", None)


def _chat_template(value: str) -> str:
    """`value` is a template, or the absolute path of a file that holds one."""
    if not value.startswith("/"):
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except OSError as error:
        raise config_invalid(f"ModelConfig.chat_template is {value!r}: {error.strerror}") from error
