"""Checks on a machine with an NVIDIA GPU what no other test can: vLLM and the tuner on that GPU.

A model of 1.1 or 7.2 billion random weights is built from a config in the repository. vLLM serves
it, and is loaded straight, through the model-server's gRPC and through the gateway; then TRL, as
upstream KAITO configures it and at its best, and the tuner train it. All of it ends within eight
minutes, after the installation; what there is no time or no device for is skipped, and said.

    python -m benchmarks.gpu [--model 8b] [--only serving]
    python -m benchmarks.gpu --device cpu      # the same with a tiny model, which measures nothing
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.gpu import serving, tuning
from benchmarks.gpu.device import CPU, Device, NoGpu, find_gpu
from benchmarks.gpu.environments import Pythons, pythons
from benchmarks.gpu.part import GIB, Part, failed, skipped, verdict
from benchmarks.gpu.size import SIZES, Size
from benchmarks.model_folder import write_model

# Below eight minutes, with the end of the servers. A CPU may be busy with something else.
_BUDGET_SECONDS = {"cuda": 470.0, "cpu": 3600.0}
_PARTS = (serving.NAME, tuning.NAME)


def run(size: Size, device: Device, has: Pythons, wanted: tuple[str, ...]) -> tuple[Part, ...]:
    """Each part after the other: they would share the GPU otherwise."""
    deadline = time.monotonic() + _BUDGET_SECONDS[device.kind]
    found = []
    with tempfile.TemporaryDirectory() as path:
        folder = Path(path)
        write_model(has.models, folder / "model", size.model, device.kind)
        for name in wanted:
            part = _attempt(name, partial(_part, name, folder, size, device, has, deadline))
            print(*part.lines, part.summary, "", sep="\n", flush=True)
            found.append(part)
    return tuple(found)


def _part(
    name: str, folder: Path, size: Size, device: Device, has: Pythons, deadline: float
) -> Part:
    if name == tuning.NAME:
        return tuning.check(folder, size, device, has.models, deadline)
    if has.vllm is None:
        return skipped(name, "make venv-vllm installs vLLM for CPUs")
    seconds = deadline - time.monotonic()
    return serving.check(folder, size, device, has.vllm, has.models, seconds)


def _attempt(name: str, check: Callable[[], Part]) -> Part:
    """One part must not take the other one with it."""
    try:
        return check()
    except TimeoutError as error:
        return skipped(name, f"the time was over at {error}")
    except SystemExit as error:
        return failed(name, str(error))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--model", choices=("1b", "8b"), default="1b", help="on a GPU")
    parser.add_argument("--only", choices=_PARTS, help="one part")
    options = parser.parse_args()
    wanted = (options.only,) if options.only else _PARTS
    began = time.monotonic()
    size, where = SIZES["tiny" if options.device == "cpu" else options.model], "no GPU"
    try:
        device = CPU if options.device == "cpu" else find_gpu()
        where = f"{size.model}, {device.name}"
        parts = refusals(size, device, wanted)
    except NoGpu as error:
        parts = tuple(skipped(name, f"no NVIDIA GPU: {error}") for name in wanted)
    if parts:
        print(*(part.summary for part in parts), sep="\n")
    else:
        parts = run(size, device, pythons(device, os.environ), wanted)
    print(verdict(where, time.monotonic() - began, parts))
    return int(any(part.failed for part in parts))


def refusals(size: Size, device: Device, wanted: tuple[str, ...]) -> tuple[Part, ...]:
    """All parts as skipped where the device cannot hold the model; none where it can."""
    free = device.memory_bytes - device.used_bytes
    if device.kind == "cpu" or free >= size.memory_bytes:
        return ()
    why = (
        f"{size.model} needs {size.memory_bytes / GIB:.0f} GiB, and {device.name} has "
        f"{free / GIB:.1f} of {device.memory_bytes / GIB:.0f} GiB free"
    )
    return tuple(skipped(name, why) for name in wanted)


if __name__ == "__main__":
    sys.exit(main())
