"""What one machine type offers. Memory is GiB, prices are US dollars per hour.

Knows no cloud API: prices and families are data, quota and availability are asked elsewhere.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import inf


class Cloud(StrEnum):
    AZURE = "azure"
    AWS = "aws"
    ARC = "arc"


class Vendor(StrEnum):
    NVIDIA = "nvidia"
    AMD = "amd"
    NEURON = "neuron"


class GpuDriver(StrEnum):
    """Which of NVIDIA's drivers a virtual machine needs: whole GPUs, or slices of one (GRID)."""

    CUDA = "cuda"
    GRID = "grid"


@dataclass(frozen=True, slots=True, order=True)
class CudaCapability:
    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


@dataclass(frozen=True, slots=True)
class MigProfile:
    """A slice of an NVIDIA GPU: compute slices out of seven, memory in GB as NVIDIA names it."""

    slices: int
    memory_gb: int

    @property
    def name(self) -> str:
        return f"{self.slices}g.{self.memory_gb}gb"

    @property
    def resource(self) -> str:
        """The extended resource under which the device plugin offers it."""
        return f"nvidia.com/mig-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSet:
    """The GPUs of one node, all alike; with `mig` set, one slice of one GPU."""

    model: str
    vendor: Vendor
    count: int
    memory_gib: float
    cuda_capability: CudaCapability | None = None
    mig: MigProfile | None = None

    @property
    def total_memory_gib(self) -> float:
        return self.count * self.memory_gib

    def __str__(self) -> str:
        return f"{self.count}x {self.model} {self.memory_gib:g} GiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """`name` is the cloud's own; `aliases` are other spellings in use.

    `quota_family` is Azure's name of the family that quota is counted in.
    `price_usd_hour` is an approximate on-demand list price, None where it isn't known.
    `retired_on` is set once the cloud has taken the type out of service.
    """

    name: str
    cloud: Cloud
    gpus: GpuSet
    vcpus: int
    memory_gib: float
    nvme: bool
    aliases: tuple[str, ...] = ()
    quota_family: str | None = None
    gpu_driver: GpuDriver | None = None
    price_usd_hour: float | None = None
    retired_on: date | None = None

    @property
    def price_rank(self) -> tuple[float, str]:
        """Sorts cheapest first, those without a known price last."""
        return (inf if self.price_usd_hour is None else self.price_usd_hour, self.name)
