"""The catalog of GPU instance types, from the data files in `skus`. Calls no cloud API."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from importlib import resources

from kaito_skus.records import DataError, Record
from kaito_skus.sku import Cloud, CudaCapability, GpuDriver, GpuSet, PriceList, Sku, Vendor

_CAPABILITY = re.compile(r"^(\d+)\.(\d+)$")


@dataclass(frozen=True)
class Catalog:
    skus: tuple[Sku, ...]

    def find(self, name: str) -> Sku | None:
        """The instance type with that name, in any case: Azure's own API ignores case."""
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
        """Instance types that are not retired and have at least these GPUs and GPU memory.

        The cheapest come first, those without a known price last.
        """
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
    """The instance types of all clouds.

    Raises:
        DataError: a file is invalid; names file, field and value.
    """
    folder = resources.files("kaito_skus") / "skus"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda f: f.name
    )
    return collect(
        sku for file in files for sku in parse(file.name, file.read_text(encoding="utf-8"))
    )


@cache
def price_list(cloud: Cloud) -> PriceList:
    """Where the recorded prices of a cloud come from.

    Raises:
        DataError: the file is invalid; names field and value.
    """
    file = f"{cloud}.yaml"
    text = (resources.files("kaito_skus") / "skus" / file).read_text(encoding="utf-8")
    return _price_list(Record.parse(file, text))


def collect(skus: Iterable[Sku]) -> Catalog:
    """A catalog of these instance types.

    Raises:
        DataError: two of them have the same name.
    """
    known = tuple(skus)
    taken: set[str] = set()
    for sku in known:
        if taken & _names(sku):
            raise DataError(f"{sku.cloud}.yaml", "name", sku.name, "appears twice")
        taken |= _names(sku)
    return Catalog(known)


def parse(file: str, text: str) -> tuple[Sku, ...]:
    """The instance types of one cloud, from the text of its file.

    Raises:
        DataError: a field is missing, unknown or invalid.
    """
    document = Record.parse(file, text)
    cloud = document.choice("cloud", Cloud)
    if file != f"{cloud}.yaml":
        raise document.error("cloud", f"belongs in {cloud}.yaml")
    _price_list(document)
    skus = tuple(
        sku for series in document.records("series") for sku in _read_series(series, cloud)
    )
    document.finish()
    return skus


def _price_list(document: Record) -> PriceList:
    prices = document.record("prices")
    found = PriceList(prices.text("source"), prices.text("region"), prices.text("as_of"))
    prices.finish()
    return found


def _read_series(series: Record, cloud: Cloud) -> Iterator[Sku]:
    """The sizes of one series: they differ only in the number of GPUs, vCPUs and memory."""
    gpu = series.record("gpu")
    model, vendor, memory_gib = gpu.text("model"), gpu.choice("vendor", Vendor), gpu.number("gib")
    capability = _capability(gpu) if "cuda" in gpu else None
    driver = gpu.choice("driver", GpuDriver) if "driver" in gpu else None
    half_tflops = gpu.number("tflops", minimum=1) if "tflops" in gpu else None
    gpu.finish()
    if (vendor is Vendor.NVIDIA) != (capability is not None):
        raise gpu.error("cuda", "must be set for NVIDIA GPUs, and only for them")
    family = series.text("quota_family") if "quota_family" in series else None
    retired_on = _date(series, "retired_on") if "retired_on" in series else None
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
                half_tflops=half_tflops,
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


def _date(series: Record, field: str) -> date:
    try:
        return date.fromisoformat(series.text(field))
    except ValueError:
        raise series.error(field, 'is not a date such as "2025-09-30"') from None


def _names(sku: Sku) -> set[str]:
    return {name.casefold() for name in (sku.name, *sku.aliases)}
