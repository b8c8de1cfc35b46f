"""Machine types with the labels that their nodes carry: from the catalogue, or, for those that
are in none, from what their name and the market tell. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from gpu_provisioner.cloud.availability import Market, Offer
from gpu_provisioner.offerings import label_keys, size_names
from kaito_api import labels
from kaito_api.quantity import GIB
from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku, Vendor

_GPU_RESOURCES = {Vendor.NVIDIA: labels.GPU_RESOURCE, Vendor.AMD: "amd.com/gpu"}
_MIB_PER_GIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """A label or a resource that is not there is not known, or the type has none. `vcpus` and
    `family` are what its quota is counted in; None and "" where they are not known."""

    name: str
    labels: Mapping[str, str]
    resources: Mapping[str, Decimal]
    in_catalogue: bool
    vcpus: int | None = None
    family: str = ""
    price: float | None = None
    retired_on: date | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The machine types of one region, by their names in lower case."""

    region: str
    _by_name: Mapping[str, InstanceType]

    @classmethod
    def of(cls, region: str, skus: Iterable[Sku] | None = None) -> "Catalogue":
        """Azure's machine types as they are in that region."""
        known = catalog.load().on(Cloud.AZURE).skus if skus is None else skus
        found: dict[str, InstanceType] = {}
        for sku in known:
            made = _of_sku(sku, region)
            found |= {name.casefold(): made for name in (sku.name, *sku.aliases)}
        return cls(region, found)

    def all(self) -> tuple[InstanceType, ...]:
        return tuple({made.name: made for made in self._by_name.values()}.values())

    def find(self, name: str) -> InstanceType:
        """The type of that name, in any case; one that is in no catalogue is as good as its
        name tells."""
        return self._by_name.get(name.casefold()) or _of_name(name, self.region)


def as_sold(found: InstanceType, market: Market | None) -> InstanceType:
    """The same type with what the market knows better, or alone."""
    offer = market.offers.get(found.name.lower()) if market is not None else None
    if offer is None:
        return found
    sold = replace(found, vcpus=offer.vcpus, family=offer.family)
    return sold if found.in_catalogue else _with_facts(sold, offer)


def _of_sku(sku: Sku, region: str) -> InstanceType:
    gpus = sku.gpus
    return InstanceType(
        name=sku.name,
        labels={
            **_named(sku.name, region),
            label_keys.SKU_CPU: str(sku.vcpus),
            label_keys.SKU_MEMORY: str(int(sku.memory_gib * _MIB_PER_GIB)),
            label_keys.GPU_COUNT: str(gpus.count),
            label_keys.GPU_NAME: _short(gpus.model),
            label_keys.GPU_MANUFACTURER: gpus.vendor.value,
            label_keys.GPU_MEMORY: str(int(gpus.memory_gib * _MIB_PER_GIB)),
        },
        resources={
            "cpu": Decimal(sku.vcpus),
            "memory": Decimal(sku.memory_gib) * GIB,
            _GPU_RESOURCES[gpus.vendor]: Decimal(gpus.count),
        },
        in_catalogue=True,
        vcpus=sku.vcpus,
        family=sku.quota_family or "",
        price=sku.price_usd_hour,
        retired_on=sku.retired_on,
    )


def _of_name(name: str, region: str) -> InstanceType:
    return InstanceType(
        name=name, labels=_named(name, region), resources={}, in_catalogue=False
    )  # fmt: skip


def _named(name: str, region: str) -> dict[str, str]:
    """Labels that follow from the name and the place."""
    size, gpu = size_names.read(name), size_names.has_gpus(name)
    found = {
        labels.INSTANCE_TYPE: name,
        label_keys.SKU_NAME: name,
        labels.REGION: region,
        labels.ARCH: size.arch,
        labels.OPERATING_SYSTEM: "linux",
        labels.MACHINE_TYPE: "gpu" if gpu else "cpu",
        label_keys.SKU_FAMILY: size.family,
        label_keys.SKU_VERSION: size.version,
        label_keys.GPU_NAME: size.accelerator if gpu else "",
    }
    return {key: value for key, value in found.items() if value}


def _with_facts(found: InstanceType, offer: Offer) -> InstanceType:
    facts, resources = {label_keys.SKU_CPU: str(offer.vcpus)}, {"cpu": Decimal(offer.vcpus)}
    if offer.arch:
        facts[labels.ARCH] = offer.arch
    if offer.memory_gib is not None:
        facts[label_keys.SKU_MEMORY] = str(int(offer.memory_gib * _MIB_PER_GIB))
        resources["memory"] = Decimal(offer.memory_gib) * GIB
    if offer.gpus is not None:
        facts[label_keys.GPU_COUNT] = str(offer.gpus)
    return replace(found, labels={**found.labels, **facts}, resources=resources)


def _short(model: str) -> str:
    """Karpenter's name of a GPU: A100 of "NVIDIA A100", V620 of "AMD Radeon PRO V620"."""
    words = model.split()
    return next((word for word in words if any(c.isdigit() for c in word)), words[-1])
