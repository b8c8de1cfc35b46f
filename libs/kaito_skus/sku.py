"""One instance type (SKU). Memory is in GiB, prices in US dollars per hour.

Only data: gpu-provisioner reads quota and availability from the cloud's API.
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
    """The NVIDIA driver a virtual machine needs: CUDA for whole GPUs, GRID for slices of one."""

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
    """A MIG slice of an NVIDIA GPU: compute slices out of seven, and memory in NVIDIA's GB."""

    slices: int
    memory_gb: int

    @property
    def name(self) -> str:
        return f"{self.slices}g.{self.memory_gb}gb"

    @property
    def resource(self) -> str:
        """The extended resource name that the device plugin advertises."""
        return f"nvidia.com/mig-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuSet:
    """The identical GPUs of one node; with `mig` set, one slice of one GPU.

    `half_tflops` is the dense peak of one GPU in bfloat16 or float16, None if unknown.
    """

    model: str
    vendor: Vendor
    count: int
    memory_gib: float
    cuda_capability: CudaCapability | None = None
    mig: MigProfile | None = None
    half_tflops: float | None = None

    @property
    def total_memory_gib(self) -> float:
        return self.count * self.memory_gib

    def __str__(self) -> str:
        return f"{self.count}x {self.model} {self.memory_gib:g} GiB"


@dataclass(frozen=True, slots=True)
class PriceList:
    """Where the recorded prices of a cloud come from, and since when they may be outdated."""

    source: str
    region: str
    as_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sku:
    """`name` is the cloud's name; `aliases` are other spellings in use.

    `quota_family` is Azure's name for the VM family that its quota counts.
    `price_usd_hour` is an approximate on-demand list price, or None if unknown.
    `retired_on` is the day when the cloud retires the type.
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
        """A sort key: cheapest first, unknown prices last."""
        return (inf if self.price_usd_hour is None else self.price_usd_hour, self.name)
