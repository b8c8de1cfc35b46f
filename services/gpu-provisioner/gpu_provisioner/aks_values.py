"""What may be chosen for an agent pool's machine, in settings and annotations alike: the words
that users write, and AKS's own. Every parser raises ValueError with what is allowed."""

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
# Empty: AKS chooses an ephemeral disk where the size has room for one, else a managed one.
OS_DISK_TYPES: Final = {"": "", "managed": "Managed", "ephemeral": "Ephemeral"}
# Empty: AKS installs its driver.
GPU_DRIVERS: Final = {"": "", "install": "Install", "none": "None"}
# Slices of a GPU that can be partitioned (MIG).
GPU_INSTANCE_PROFILES: Final = {
    "": "", "mig1g": "MIG1g", "mig2g": "MIG2g", "mig3g": "MIG3g", "mig4g": "MIG4g",
    "mig7g": "MIG7g",
}  # fmt: skip

_NAMED = r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers"
_SUBNET = re.compile(rf"{_NAMED}/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+", re.I)
_PLACEMENT = re.compile(rf"{_NAMED}/Microsoft\.Compute/proximityPlacementGroups/[^/]+", re.I)
_PRICE = re.compile(r"\d+(\.\d{1,5})?")
_TAG_NAME = re.compile(r"(?!microsoft|azure|windows|kaito-)[^<>%&\\?/]{1,512}", re.I)
TAG_VALUE_LENGTH: Final = 256
_MOST_TAGS = 40


def one_of(words: Mapping[str, str], text: str) -> str:
    """AKS's word for the user's, in whatever case that is written."""
    if text.lower() not in words:
        raise ValueError(f"use one of {', '.join(word for word in words if word)}")
    return words[text.lower()]


def spot_price(text: str) -> float:
    """US dollars an hour; -1 pays up to the price of a machine that is not evicted."""
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
    if text and not _PLACEMENT.fullmatch(text):
        raise ValueError(
            "use the id that `az ppg show --query id` prints: /subscriptions/…/resourceGroups/…"
            "/providers/Microsoft.Compute/proximityPlacementGroups/…"
        )
    return text


def tags(given: Mapping[str, object]) -> dict[str, str]:
    """Tags beside the provisioner's own, which begin with kaito-."""
    if len(given) > _MOST_TAGS:
        raise ValueError(f"give at most {_MOST_TAGS}")
    for name, value in given.items():
        if not _TAG_NAME.fullmatch(name):
            raise ValueError(
                f"name {name!r}: 1 to 512 characters, none of <>%&\\?/, and not beginning with "
                "microsoft, azure, windows or kaito-"
            )
        if not isinstance(value, str) or len(value) > TAG_VALUE_LENGTH:
            raise ValueError(f"value of {name!r}: text of at most {TAG_VALUE_LENGTH} characters")
    return {name: str(value) for name, value in given.items()}
