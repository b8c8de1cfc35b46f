"""Instance types with the labels that their nodes get: from the catalog, or, for types that are
not in it, from their name and Azure's listing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from gpu_provisioner.cloud.availability import Availability, SkuAvailability
from gpu_provisioner.offerings import label_keys, size_names
from kaito_api import labels
from kaito_api.quantity import GIB
from kaito_skus import catalog
from kaito_skus.sku import Cloud, Sku, Vendor

_GPU_RESOURCES = {Vendor.NVIDIA: labels.GPU_RESOURCE, Vendor.AMD: "amd.com/gpu"}
_MIB_PER_GIB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceType:
    """An absent label or resource is unknown, or the type has none. `vcpus` and `family` determine
    the quota; they are None and empty where they are unknown. `price` is in US dollars an hour."""

    name: str
    labels: Mapping[str, str]
    resources: Mapping[str, Decimal]
    in_catalog: bool
    vcpus: int | None = None
    family: str = ""
    price: float | None = None
    retired_on: date | None = None


@dataclass(frozen=True, slots=True)
class Catalog:
    """The instance types of one region, by name in any case."""

    region: str
    _by_name: Mapping[str, InstanceType]

    @classmethod
    def of(cls, region: str, skus: Iterable[Sku] | None = None) -> "Catalog":
        """Return Azure's instance types with the labels of that region."""
        known = catalog.load().on(Cloud.AZURE).skus if skus is None else skus
        by_name: dict[str, InstanceType] = {}
        for sku in known:
            type_ = _from_sku(sku, region)
            by_name |= {name.casefold(): type_ for name in (sku.name, *sku.aliases)}
        return cls(region, by_name)

    def all(self) -> tuple[InstanceType, ...]:
        return tuple({type_.name: type_ for type_ in self._by_name.values()}.values())

    def find(self, name: str) -> InstanceType:
        """Return the type of that name. A type that is not in the catalog has what its name
        says."""
        return self._by_name.get(name.casefold()) or _from_name(name, self.region)


def with_availability(
    instance_type: InstanceType, availability: Availability | None
) -> InstanceType:
    """Return the type with what only Azure's listing knows, or knows better."""
    sku = availability.skus.get(instance_type.name.lower()) if availability is not None else None
    if sku is None:
        return instance_type
    known = replace(instance_type, vcpus=sku.vcpus, family=sku.family)
    return known if instance_type.in_catalog else _with_sku(known, sku)


def _from_sku(sku: Sku, region: str) -> InstanceType:
    gpus = sku.gpus
    return InstanceType(
        name=sku.name,
        labels={
            **_labels_from_name(sku.name, region),
            label_keys.SKU_CPU: str(sku.vcpus),
            label_keys.SKU_MEMORY: str(int(sku.memory_gib * _MIB_PER_GIB)),
            label_keys.GPU_COUNT: str(gpus.count),
            label_keys.GPU_NAME: _gpu_name(gpus.model),
            label_keys.GPU_MANUFACTURER: gpus.vendor.value,
            label_keys.GPU_MEMORY: str(int(gpus.memory_gib * _MIB_PER_GIB)),
        },
        resources={
            "cpu": Decimal(sku.vcpus),
            "memory": Decimal(sku.memory_gib) * GIB,
            _GPU_RESOURCES[gpus.vendor]: Decimal(gpus.count),
        },
        in_catalog=True,
        vcpus=sku.vcpus,
        family=sku.quota_family or "",
        price=sku.price_usd_hour,
        retired_on=sku.retired_on,
    )


def _from_name(name: str, region: str) -> InstanceType:
    return InstanceType(
        name=name, labels=_labels_from_name(name, region), resources={}, in_catalog=False
    )  # fmt: skip


def _labels_from_name(name: str, region: str) -> dict[str, str]:
    """Return the labels that follow from the name and the region."""
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


def _with_sku(instance_type: InstanceType, sku: SkuAvailability) -> InstanceType:
    known, resources = {label_keys.SKU_CPU: str(sku.vcpus)}, {"cpu": Decimal(sku.vcpus)}
    if sku.arch:
        known[labels.ARCH] = sku.arch
    if sku.memory_gib is not None:
        known[label_keys.SKU_MEMORY] = str(int(sku.memory_gib * _MIB_PER_GIB))
        resources["memory"] = Decimal(sku.memory_gib) * GIB
    if sku.gpus is not None:
        known[label_keys.GPU_COUNT] = str(sku.gpus)
    return replace(instance_type, labels={**instance_type.labels, **known}, resources=resources)


def _gpu_name(model: str) -> str:
    """Return Karpenter's name of a GPU: A100 for "NVIDIA A100", V620 for "AMD Radeon PRO V620"."""
    words = model.split()
    return next((word for word in words if any(c.isdigit() for c in word)), words[-1])
