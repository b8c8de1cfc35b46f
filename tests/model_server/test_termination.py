"""The termination message: the reason that each failure is reported under."""

import json
from pathlib import Path

import pytest

from model_server.errors import AdapterInvalid, EngineFailed, InferenceError, ModelLoadFailed
from model_server.startup import termination


@pytest.mark.parametrize(
    ("error", "reason", "retryable"),
    [
        (ModelLoadFailed("there is no config.json"), "ModelLoadFailed", False),
        (AdapterInvalid("it was never trained"), "ModelLoadFailed", False),
        (ModelLoadFailed("the KV cache does not fit beside the model"), "OutOfMemory", False),
        (EngineFailed("the generation loop has ended"), "ContainerCrashed", True),
        (EngineFailed("CUDA out of memory"), "OutOfMemory", True),
    ],
    ids="model adapter cache engine engine-memory".split(),
)
def test_message_names_reason_and_cause(
    tmp_path: Path, error: InferenceError, reason: str, retryable: bool
) -> None:
    termination.write(tmp_path / "log", error)
    assert json.loads((tmp_path / "log").read_text()) == {
        "reason": reason,
        "message": error.message,
        "retryable": retryable,
    }


def test_missing_file_is_not_an_error(tmp_path: Path) -> None:
    termination.write(tmp_path / "no" / "log", ModelLoadFailed("there is no config.json"))
