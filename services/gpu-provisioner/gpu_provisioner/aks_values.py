"""Values of AKS's agent pool fields that settings and annotations can set, as users write them
and as AKS's API names them. Every parser raises ValueError with what is allowed."""

import re
from collections.abc import Mapping
from typing import Final

OS_SKUS: Final = {
    "ubuntu": "Ubuntu",
    "ubuntu2204": "Ubuntu2204",
    "ubuntu2404": "Ubuntu2404",
    "azurelinux": "AzureLinux",
    "azurelinux3": "AzureLinux3",
}
# Empty: AKS uses an ephemeral disk where the size has room for one, else a managed disk.
OS_DISK_TYPES: Final = {"": "", "managed": "Managed", "ephemeral": "Ephemeral"}
# Empty: AKS installs its own driver.
GPU_DRIVERS: Final = {"": "", "install": "Install", "none": "None"}
# Slices of a GPU that supports MIG.
GPU_INSTANCE_PROFILES: Final = {
    "": "", "mig1g": "MIG1g", "mig2g": "MIG2g", "mig3g": "MIG3g", "mig4g": "MIG4g",
    "mig7g": "MIG7g",
}  # fmt: skip

_PROVIDERS = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
_SUBNET = re.compile(rf"{_PROVIDERS}/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+", re.I)
_PLACEMENT_GROUP = re.compile(
    rf"{_PROVIDERS}/Microsoft\.Compute/proximityPlacementGroups/[^/]+", re.I
)
_PRICE = re.compile(r"\d+(\.\d{1,5})?")
# Azure's limits on tags. It allows 50 on a resource; the difference is for AKS's and our own.
_TAG_NAME = re.compile(r"(?!microsoft|azure|windows|kaito-)[^<>%&\\?/]{1,512}", re.I)
TAG_VALUE_LENGTH: Final = 256
_MAX_TAGS = 40


def one_of(values: Mapping[str, str], text: str) -> str:
    """Return AKS's name of the value that a user wrote, in any case."""
    if text.lower() not in values:
        raise ValueError(f"use one of {', '.join(value for value in values if value)}")
    return values[text.lower()]


def spot_price(text: str) -> float:
    """Return US dollars an hour; -1 pays up to the on-demand price."""
    if text in ("-1", "-1.0"):
        return -1.0
    if not _PRICE.fullmatch(text) or float(text) == 0:
        raise ValueError("use -1 or US dollars an hour above 0 with at most five decimals")
    return float(text)


def subnet_id(text: str) -> str:
    if text and not _SUBNET.fullmatch(text):
        raise ValueError(
            "use the id that `az network vnet subnet show --query id` prints: /subscriptions/…"
            "/resourceGroups/…/providers/Microsoft.Network/virtualNetworks/…/subnets/…"
        )
    return text


def placement_group_id(text: str) -> str:
    if text and not _PLACEMENT_GROUP.fullmatch(text):
        raise ValueError(
            "use the id that `az ppg show --query id` prints: /subscriptions/…/resourceGroups/…"
            "/providers/Microsoft.Compute/proximityPlacementGroups/…"
        )
    return text


def tags(values: Mapping[str, object]) -> dict[str, str]:
    """Return the user's tags. The provisioner's own tags start with kaito-."""
    if len(values) > _MAX_TAGS:
        raise ValueError(f"use at most {_MAX_TAGS} tags")
    for name, value in values.items():
        if not _TAG_NAME.fullmatch(name):
            raise ValueError(
                f"name {name!r}: use 1 to 512 characters, none of <>%&\\?/, that do not start with "
                "microsoft, azure, windows or kaito-"
            )
        if not isinstance(value, str) or len(value) > TAG_VALUE_LENGTH:
            raise ValueError(
                f"value of {name!r}: use a text of at most {TAG_VALUE_LENGTH} characters"
            )
    return {name: str(value) for name, value in values.items()}
