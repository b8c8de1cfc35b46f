"""Checks a training_config.yaml before a node is paid for."""

from functools import lru_cache

from kaito_training.config import parse_config
from kaito_training.errors import ConfigError
from kaito_training.processes import find_single_process
from kaito_training.sections import DPO
from kaito_training.serving import find_unserved


# Every pass over a Workspace asks about the same file.
@lru_cache(maxsize=256)
def trained_alone(text: str, method: str) -> str:
    """Why only one process can train with the file, as key and value; empty where several can.

    A file that cannot be used is reported as such.
    """
    try:
        return find_single_process(parse_config(text, method)) or ""
    except ConfigError:
        return ""


@lru_cache(maxsize=256)
def find_problem(text: str, method: str, *, serves_adapter: bool) -> str | None:
    """What is wrong with the file, with key, value and remedy; None where nothing is.

    The sentence continues one that starts with the file's name.
    """
    try:
        config = parse_config(text, method)
    except ConfigError as error:
        return f"cannot be used: {error}"
    unserved = find_unserved(config.lora)
    if serves_adapter and unserved is not None:
        return (
            "describes an adapter that no Workspace can serve: "
            f'{unserved}, or set the annotation kaito.sh/serve-tuned-model to "false" to train '
            "without serving"
        )
    return None


@lru_cache(maxsize=256)
def is_quantized(text: str) -> bool:
    """Whether the base model is, where the method leaves that open; a broken file is refused."""
    try:
        return parse_config(text, DPO).quantization.active
    except ConfigError:
        return True
