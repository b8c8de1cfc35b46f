"""What the check prints where it cannot measure, and its last line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.__main__ import refusals
from benchmarks.gpu.device import CPU, Device
from benchmarks.gpu.part import GIB, Part, failed, skipped, verdict
from benchmarks.gpu.size import SIZES
from tools.venvs import ROOT

WANTED = ("serving", "tuning")
MEASURED = Part(name="serving", summary="serving: ...")


def test_a_machine_without_a_gpu_skips_everything_and_is_no_failure(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PATH": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    why = "no NVIDIA GPU: nvidia-smi is not installed, so there is no driver"
    assert done.stdout.splitlines() == [
        f"serving skipped: {why}",
        f"tuning skipped: {why}",
        "gpu-check: nothing measured, serving and tuning skipped (no GPU)",
    ]


def test_a_gpu_that_is_too_small_or_busy_is_named_with_what_the_model_needs() -> None:
    busy = Device("cuda", "NVIDIA A10, driver 580.1", 24 * GIB, used_bytes=14 * GIB)
    (first, second) = refusals(SIZES["1b"], busy, WANTED)
    assert first.summary == (
        "serving skipped: llama-1b needs 12 GiB, and NVIDIA A10, driver 580.1 has 10.0 of 24 GiB "
        "free"
    )
    assert second.skipped


@pytest.mark.parametrize(
    ("size", "device"), [("1b", Device("cuda", "a GPU", 16 * GIB)), ("tiny", CPU)]
)
def test_a_device_that_holds_the_model_is_measured(size: str, device: Device) -> None:
    assert refusals(SIZES[size], device, WANTED) == ()


@pytest.mark.parametrize(
    ("parts", "verdict_text"),
    [
        ((MEASURED, Part(name="tuning", summary="")), "serving and tuning measured in 312 s"),
        ((MEASURED, skipped("tuning", "late")), "serving measured, tuning skipped in 312 s"),
        ((MEASURED, failed("tuning", "broke")), "serving measured, tuning failed in 312 s"),
        ((failed("serving", "broke"),), "nothing measured, serving failed"),
    ],
)
def test_the_last_line_has_what_was_measured_and_what_was_not(
    parts: tuple[Part, ...], verdict_text: str
) -> None:
    assert verdict("a GPU", 312.4, parts) == f"gpu-check: {verdict_text} (a GPU)"
