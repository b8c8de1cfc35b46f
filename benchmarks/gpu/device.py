"""What computes: the first NVIDIA GPU as nvidia-smi describes it, or the CPU."""

import subprocess
from dataclasses import dataclass

_FIELDS = "name,memory.total,memory.used,driver_version"
_SECONDS = 30.0
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Device:
    """`kind` is torch's name of it. A CPU has no memory of its own: 0."""

    kind: str
    name: str
    memory_bytes: int = 0
    used_bytes: int = 0

    @property
    def environ(self) -> dict[str, str]:
        """Variables of every process, so that all have the same device, and one of it."""
        if self.kind == "cpu":
            return {"OMP_NUM_THREADS": "1"}
        # nvidia-smi counts in this order, and CUDA by speed.
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": "0"}


CPU = Device("cpu", "the CPU")


class NoGpu(Exception):
    """There is no GPU; the message says how that is known."""


def find_gpu() -> Device:
    """The first GPU.

    Raises:
        NoGpu: there is none, or no driver.
    """
    command = ("nvidia-smi", f"--query-gpu={_FIELDS}", "--format=csv,noheader,nounits")
    try:
        found = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS)
    except FileNotFoundError:
        raise NoGpu("nvidia-smi is not installed, so there is no driver") from None
    except subprocess.TimeoutExpired:
        raise NoGpu(f"nvidia-smi does not answer within {_SECONDS:.0f} seconds") from None
    if found.returncode:
        raise NoGpu(f"nvidia-smi says: {' '.join((found.stdout + found.stderr).split())[:200]}")
    return parse(found.stdout)


def parse(listing: str) -> Device:
    """The first line of nvidia-smi's list.

    Raises:
        NoGpu: the list is empty, or has no sizes.
    """
    line = next(iter(listing.strip().splitlines()), "")
    try:
        name, total, used, driver = (part.strip() for part in line.rsplit(",", 3))
        return Device(
            "cuda", f"{name}, driver {driver}", int(total) * _MIB, used_bytes=int(used) * _MIB
        )
    except ValueError:
        raise NoGpu(f"nvidia-smi lists no GPU with its memory: {line[:200]!r}") from None
