"""What nvidia-smi says of the GPU."""

from pathlib import Path

import pytest

from benchmarks.gpu.device import Device, NoGpu, find_gpu, parse

MIB = 2**20


def test_the_first_gpu_counts() -> None:
    listing = "NVIDIA H200, 143771, 4, 580.159.03\nNVIDIA H200, 143771, 900, 580.159.03\n"
    assert parse(listing) == Device(
        "cuda", "NVIDIA H200, driver 580.159.03", 143771 * MIB, used_bytes=4 * MIB
    )


def test_a_process_sees_the_gpu_that_was_described_and_no_other() -> None:
    """With several, transformers would train on all of them at once."""
    gpu = Device("cuda", "NVIDIA H200", 2**37)
    assert gpu.environ == {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "0"}


@pytest.mark.parametrize(
    "listing", ["", "\n", "No devices were found", "NVIDIA A10, [N/A], [N/A], 550", "a, b"]
)
def test_what_lists_no_sizes_is_no_gpu(listing: str) -> None:
    with pytest.raises(NoGpu, match="nvidia-smi lists no GPU"):
        parse(listing)


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Makes a script the only program that is installed."""
    file = folder / "nvidia-smi"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_a_gpu_is_found_by_nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, monkeypatch, 'echo "Tesla T4, 15360, 0, 580.1"')
    assert find_gpu().memory_bytes == 15360 * MIB


def test_a_driver_that_does_not_work_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
    program(tmp_path, monkeypatch, f'echo "{words}"; exit 9')
    with pytest.raises(NoGpu, match="nvidia-smi says: NVIDIA-SMI has failed"):
        find_gpu()


def test_a_machine_without_a_driver_has_no_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoGpu, match="nvidia-smi is not installed"):
        find_gpu()
