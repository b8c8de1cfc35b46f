"""What the launcher does besides torch's: it refuses, and leaves the process as it was."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tuner.errors import RunError, Terminated
from tuner.processes import launcher
from tuner.processes.launcher import launch, require_gpus
from tuner.reasons import Reason
from tuner.stop_switch import SIGNALS, StopSwitch


@pytest.mark.parametrize(("processes", "gpus"), [(2, 0), (2, 2), (2, 8), (1, 1)])
def test_a_gpu_for_each_process_or_none_at_all_is_enough(processes: int, gpus: int) -> None:
    require_gpus(processes, gpus)


@pytest.mark.parametrize(
    ("gpus", "message"),
    [
        (1, "KAITO_PROCESSES is 4, but the container has 1 GPU, and each process needs one of its"),
        (3, "has 3 GPUs, and each process needs one of its own: set it to 3 or less, or use a"),
    ],
)
def test_more_processes_than_gpus_are_refused(gpus: int, message: str) -> None:
    with pytest.raises(RunError) as caught:
        require_gpus(4, gpus)
    assert (caught.value.reason, caught.value.retryable) == (Reason.CONFIG_INVALID, False)
    assert message in caught.value.message


def test_a_signal_after_the_training_is_the_tuners_own_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`tune` pushes in the same process, and torch's launcher leaves its handlers installed."""
    monkeypatch.setattr(sys, "executable", "/bin/true")
    monkeypatch.setattr(launcher, "require_gpus", lambda *_: None)
    before: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}
    StopSwitch().install()
    try:
        launch(2, tmp_path, 0, os.environ)
        with pytest.raises(Terminated):
            signal.raise_signal(signal.SIGTERM)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
