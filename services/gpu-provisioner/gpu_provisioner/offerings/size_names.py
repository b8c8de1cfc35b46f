"""Parses Azure's names of VM sizes, for example Standard_NC24ads_A100_v4. Pure.

A name consists of family letters, vCPUs, features ("p" is Arm), accelerator and version.
Nothing is known from a name of another form.
"""

import re
from dataclasses import dataclass

_FORM = re.compile(
    r"^(?:standard|basic)_(?P<family>[a-z]+)\d+(?:-\d+)?(?P<features>[a-z]*)"
    r"(?:_(?!v\d+$)(?P<accelerator>[a-z]*\d+[a-z0-9]*))?(?:_v(?P<version>\d+))?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SizeName:
    """`family` is the first letter, as in Karpenter's sku-family. Names of version 1 omit it."""

    family: str = ""
    version: str = ""
    accelerator: str = ""
    arch: str = "amd64"


def read(name: str) -> SizeName:
    match = _FORM.match(name)
    if match is None:
        return SizeName()
    return SizeName(
        family=match["family"][0].upper(),
        version=match["version"] or "1",
        accelerator=(match["accelerator"] or "").upper(),
        arch="arm64" if "p" in match["features"].lower() else "amd64",
    )


def has_gpus(name: str) -> bool:
    """Return whether the size is of Azure's N family, which has the GPUs."""
    return name.lower().startswith("standard_n")
