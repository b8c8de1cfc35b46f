"""Builds the parameters of a claim's agent pool from its annotations and the installation's
defaults. Pure."""

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

# The sizes of OS disks that AKS accepts.
_MIN_DISK_GIB, _MAX_DISK_GIB = 30, 2048
# A smaller number without a unit means GiB, because the first Machines used it like that. From
# here on it means bytes, as in Kubernetes; no disk has 4096 bytes.
_BARE_GIB_LIMIT = 4096


class InvalidClaim(ValueError):
    """No agent pool can have what the claim specifies. The message names field, value and
    remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPoolProfile:
    """The fields of AKS's agent pool that annotations of a claim can set."""

    os_sku: str
    os_disk_gib: int | None
    os_disk_type: str
    gpu_driver: str
    gpu_instance_profile: str
    spot_max_price: float


def profile_for(claim: Claim, instance_type: str, defaults: PoolDefaults) -> AgentPoolProfile:
    """Return the claim's profile: its annotations, and the installation's defaults.

    Raises:
        InvalidClaim: an annotation or the requested storage is invalid.
    """
    driver = _annotated(
        claim, labels.GPU_DRIVER, _choice(aks_values.GPU_DRIVERS), defaults.gpu_driver
    )
    instance_profiles = _choice(aks_values.GPU_INSTANCE_PROFILES)
    instance_profile = _annotated(claim, labels.GPU_INSTANCE_PROFILE, instance_profiles, "")
    # AKS rejects both fields for sizes without a GPU.
    has_gpus = size_names.has_gpus(instance_type)
    return AgentPoolProfile(
        os_sku=_annotated(
            claim, labels.NODE_IMAGE_FAMILY, _choice(aks_values.OS_SKUS), defaults.os_sku
        ),
        os_disk_gib=_os_disk_gib(claim),
        os_disk_type=_annotated(
            claim, labels.OS_DISK_TYPE, _choice(aks_values.OS_DISK_TYPES), defaults.os_disk_type
        ),
        gpu_driver=driver if has_gpus else "",
        gpu_instance_profile=instance_profile if has_gpus else "",
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
        raise InvalidClaim(f"annotation {name} {value!r}: {error}") from error


def _choice(values: dict[str, str]) -> Callable[[str], str]:
    return lambda value: aks_values.one_of(values, value)


def _os_disk_gib(claim: Claim) -> int | None:
    """Return the requested storage in whole GiB, rounded up, or None to let AKS choose."""
    text = claim.requests.get("storage", "0")
    try:
        value = quantity.parse(text)
    except ValueError as error:
        raise InvalidClaim(f"spec.resources.requests.storage: {error}") from error
    if value == 0:
        return None
    means_gib = text.strip().replace(".", "", 1).isdigit() and value < _BARE_GIB_LIMIT
    size = math.ceil(value) if means_gib else quantity.gib(text)
    if not _MIN_DISK_GIB <= size <= _MAX_DISK_GIB:
        raise InvalidClaim(
            f"spec.resources.requests.storage {text!r} is {size} GiB: AKS accepts {_MIN_DISK_GIB} "
            f"to {_MAX_DISK_GIB}. Write it with its unit, for example 128Gi"
        )
    return size
