"""What Azure's naming of machine sizes tells: Standard_NC24ads_A100_v4. Pure.

Family letters, vCPUs, features ("p" is Arm), accelerator, version. A name of another form
tells nothing but that it is one.
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
    """`family` is its first letter, as Karpenter's sku-family has it; version 1 goes unsaid."""

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
    """Azure's N family is that of GPUs."""
    return name.lower().startswith("standard_n")
