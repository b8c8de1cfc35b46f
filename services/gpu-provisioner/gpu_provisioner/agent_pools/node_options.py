"""How the machine of one claim is to be made: its annotations over the installation's defaults.
Pure. What cannot be raises Unacceptable with field, value and remedy."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gpu_provisioner import aks_values
from gpu_provisioner.claims.claim import Claim
from gpu_provisioner.offerings import size_names
from gpu_provisioner.pool_defaults import PoolDefaults
from kaito_api import labels, quantity

T = TypeVar("T")

_SMALLEST_DISK, _LARGEST_DISK = 30, 2048
# Below this a number without a unit means GiB, as Machines of the first days meant it; from
# there on it means bytes, as Kubernetes does.
_BARE_GIB = 4096


class Unacceptable(ValueError):
    """The claim asks for what no agent pool can be; says which field, its value and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeOptions:
    os_sku: str
    os_disk_gib: int | None
    os_disk_type: str
    gpu_driver: str
    gpu_instance_profile: str
    spot_max_price: float


def options_of(claim: Claim, instance_type: str, defaults: PoolDefaults) -> NodeOptions:
    """Driver and GPU slices are left out for machines without a GPU: AKS would refuse them."""
    gpu = size_names.has_gpus(instance_type)
    driver = _annotated(
        claim, labels.GPU_DRIVER, _word(aks_values.GPU_DRIVERS), defaults.gpu_driver
    )
    sliced = _word(aks_values.GPU_INSTANCE_PROFILES)
    profile = _annotated(claim, labels.GPU_INSTANCE_PROFILE, sliced, "")
    return NodeOptions(
        os_sku=_annotated(
            claim, labels.NODE_IMAGE_FAMILY, _word(aks_values.OS_SKUS), defaults.os_sku
        ),
        os_disk_gib=_disk(claim),
        os_disk_type=_annotated(
            claim, labels.OS_DISK_TYPE, _word(aks_values.OS_DISK_TYPES), defaults.os_disk_type
        ),
        gpu_driver=driver if gpu else "",
        gpu_instance_profile=profile if gpu else "",
        spot_max_price=_annotated(
            claim, labels.SPOT_MAX_PRICE, aks_values.spot_price, defaults.spot_max_price
        ),
    )


def _annotated(claim: Claim, name: str, parse: Callable[[str], T], default: T) -> T:
    value = claim.annotations.get(name)
    if not value:
        return default
    try:
        return parse(value)
    except ValueError as error:
        raise Unacceptable(f"annotation {name} {value!r}: {error}") from error


def _word(words: dict[str, str]) -> Callable[[str], str]:
    return lambda value: aks_values.one_of(words, value)


def _disk(claim: Claim) -> int | None:
    """Whole GiB, rounded up; None lets AKS choose."""
    text = claim.requests.get("storage", "0")
    try:
        value = quantity.parse(text)
    except ValueError as error:
        raise Unacceptable(f"spec.resources.requests.storage: {error}") from error
    if value == 0:
        return None
    bare = text.strip().replace(".", "", 1).isdigit() and value < _BARE_GIB
    size = math.ceil(value) if bare else quantity.gib(text)
    if not _SMALLEST_DISK <= size <= _LARGEST_DISK:
        raise Unacceptable(
            f"spec.resources.requests.storage {text!r} is {size} GiB: AKS takes {_SMALLEST_DISK} "
            f"to {_LARGEST_DISK}. Write it with its unit, for example 128Gi"
        )
    return size
