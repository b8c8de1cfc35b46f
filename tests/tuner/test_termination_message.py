"""The termination message of a container."""

import json
from pathlib import Path

import pytest

from tuner import termination_message
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.termination_message import failure_message


def test_failure_has_reason_message_and_retryable(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("older and longer " * 10)
    termination_message.write(path, failure_message(RunError(Reason.DATA_UNREACHABLE, "no")))
    assert json.loads(path.read_bytes()) == {
        "reason": "DataUnreachable",
        "message": "no",
        "retryable": True,
    }


@pytest.mark.parametrize("letter", ["x", "ü", '"', "\n", "😀"])
@pytest.mark.parametrize("length", [3900, 4095, 20_000])
def test_message_fits_into_what_the_kubelet_keeps(letter: str, length: int) -> None:
    data = termination_message.render(
        failure_message(RunError(Reason.CONFIG_INVALID, letter * length))
    )
    assert len(data) < 4096
    assert json.loads(data)["message"].startswith(letter * 100)
    assert len(data) > 4080 or length == 3900
