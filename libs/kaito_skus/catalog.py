"""The machine types this build knows, from the files beside it. Asks no cloud."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib import resources

from kaito_skus.records import DataError, Record
from kaito_skus.sku import Cloud, CudaCapability, GpuDriver, GpuSet, Sku, Vendor

_CAPABILITY = re.compile(r"^(\d+)\.(\d+)$")


@dataclass(frozen=True)
class Catalog:
    skus: tuple[Sku, ...]

    def find(self, name: str) -> Sku | None:
        """The machine type of that name, in any case: Azure's own API takes any."""
        return self._by_name.get(name.casefold())

    @cached_property
    def _by_name(self) -> Mapping[str, Sku]:
        return {name: sku for sku in self.skus for name in _names(sku)}

    def on(self, cloud: Cloud) -> "Catalog":
        return Catalog(tuple(sku for sku in self.skus if sku.cloud is cloud))

    def fitting(
        self,
        *,
        min_gpus: int = 1,
        min_memory_gib: float = 0,
        min_memory_per_gpu_gib: float = 0,
        vendor: Vendor = Vendor.NVIDIA,
    ) -> tuple[Sku, ...]:
        """Machine types in service with at least that many GPUs and that much GPU memory,
        cheapest first; those without a known price come last."""
        return tuple(
            sku
            for sku in sorted(self.skus, key=lambda sku: sku.price_rank)
            if sku.retired_on is None
            and sku.gpus.vendor is vendor
            and sku.gpus.count >= min_gpus
            and sku.gpus.total_memory_gib >= min_memory_gib
            and sku.gpus.memory_gib >= min_memory_per_gpu_gib
        )


@cache
def load() -> Catalog:
    """All clouds' machine types. Raises DataError that names file, field and value."""
    folder = resources.files("kaito_skus") / "skus"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda f: f.name
    )
    return collect(
        sku for file in files for sku in parse(file.name, file.read_text(encoding="utf-8"))
    )


def collect(skus: Iterable[Sku]) -> Catalog:
    """Raises DataError where two machine types claim one name."""
    known = tuple(skus)
    taken: set[str] = set()
    for sku in known:
        if taken & _names(sku):
            raise DataError(f"{sku.cloud}.yaml", "name", sku.name, "is there twice")
        taken |= _names(sku)
    return Catalog(known)


def parse(file: str, text: str) -> tuple[Sku, ...]:
    """One cloud's machine types. Raises DataError that names file, field and value."""
    document = Record.parse(file, text)
    cloud = document.choice("cloud", Cloud)
    if file != f"{cloud}.yaml":
        raise document.error("cloud", f"belongs in {cloud}.yaml")
    prices = document.record("prices")
    for field in ("source", "region", "as_of"):
        prices.text(field)
    prices.finish()
    skus = tuple(
        sku for series in document.records("series") for sku in _read_series(series, cloud)
    )
    document.finish()
    return skus


def _read_series(series: Record, cloud: Cloud) -> Iterator[Sku]:
    """Sizes that differ only in how many GPUs, processors and how much memory they have."""
    gpu = series.record("gpu")
    model, vendor, memory_gib = gpu.text("model"), gpu.choice("vendor", Vendor), gpu.number("gib")
    capability = _capability(gpu) if "cuda" in gpu else None
    driver = gpu.choice("driver", GpuDriver) if "driver" in gpu else None
    gpu.finish()
    if (vendor is Vendor.NVIDIA) != (capability is not None):
        raise gpu.error("cuda", "belongs to NVIDIA's GPUs, and to all of them")
    family = series.text("quota_family") if "quota_family" in series else None
    retired_on = _day(series, "retired_on") if "retired_on" in series else None
    nvme = series.flag("nvme")
    for size in series.records("sizes"):
        yield Sku(
            name=size.text("name"),
            cloud=cloud,
            gpus=GpuSet(
                model=model,
                vendor=vendor,
                count=size.integer("gpus"),
                memory_gib=memory_gib,
                cuda_capability=capability,
            ),
            vcpus=size.integer("vcpus"),
            memory_gib=size.number("gib", minimum=1),
            nvme=nvme,
            aliases=size.texts("aliases") if "aliases" in size else (),
            quota_family=family,
            gpu_driver=driver,
            price_usd_hour=size.number("usd_hour") if "usd_hour" in size else None,
            retired_on=retired_on,
        )
        size.finish()
    series.finish()


def _capability(gpu: Record) -> CudaCapability:
    match = _CAPABILITY.match(gpu.text("cuda"))
    if match is None:
        raise gpu.error("cuda", 'is not a capability such as "8.0"')
    return CudaCapability(int(match.group(1)), int(match.group(2)))


def _day(series: Record, field: str) -> date:
    try:
        return date.fromisoformat(series.text(field))
    except ValueError:
        raise series.error(field, 'is not a day such as "2025-09-30"') from None


def _names(sku: Sku) -> set[str]:
    return {name.casefold() for name in (sku.name, *sku.aliases)}
