"""What the matrices of a LoRA adapter must be for it to be applied in full. Pure.

Knows names and shapes, and not how an engine reads or applies the numbers.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from model_server.adapters.adapter_files import CONFIG_FILE
from model_server.adapters.lora_config import LoraConfig
from model_server.engine import AdapterSource
from model_server.errors import AdapterInvalid

_KEY = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<matrix>[AB])\.weight")
# (rows, columns). A linear module has (out, in), its A has (rank, in), and its B has (out, rank).
Shape = tuple[int, int]
# A module, and "A" or "B".
Matrix = tuple[str, str]


def parse_key(file: Path, key: str, dimensions: int) -> Matrix:
    """The matrix that a tensor of an adapter's file is.

    Raises:
        AdapterInvalid: it is none, and would not be applied.
    """
    if not (match := _KEY.fullmatch(key)):
        raise AdapterInvalid(f"{file}: {key!r} is not a LoRA weight and would not be applied")
    if dimensions != 2:
        raise AdapterInvalid(f"{file}: {key!r} has {dimensions} dimensions, not 2")
    return match["module"], match["matrix"]


def check_modules(source: AdapterSource, unknown: list[str]) -> None:
    """Check that the base model has every module. `unknown` are those that it does not have.

    Raises:
        AdapterInvalid: names the first one.
    """
    if unknown:
        raise AdapterInvalid(
            f"adapter {source.name!r} changes {unknown[0]!r} (and {len(unknown) - 1} more modules) "
            "that this base model does not have; it was trained for another model"
        )


def check_pairs(
    source: AdapterSource,
    config: LoraConfig,
    found: Mapping[Matrix, Shape],
    base: Mapping[str, Shape],
) -> None:
    """Check the two matrices of each module against each other, the settings and the base model.

    `base` has the shapes of modules that are known.

    Raises:
        AdapterInvalid: names the first module that is wrong, and how.
    """
    for module in sorted({module for module, _ in found}):
        try:
            a, b = found[module, "A"], found[module, "B"]
        except KeyError as missing:
            raise AdapterInvalid(
                f"adapter {source.name!r} has only one of the matrices A and B of {module!r}: "
                f"{missing} is missing"
            ) from None
        own = (b[0], a[1])
        expected = base.get(module, own)
        if own != expected or b[1] != a[0]:
            raise AdapterInvalid(
                f"adapter {source.name!r}: {module!r} is for a module of {own[0]} x {own[1]}, "
                f"and this base model's is {expected[0]} x {expected[1]}; it was trained for "
                "another model"
            )
        if a[0] != (rank := config.rank_of(module)):
            raise AdapterInvalid(
                f"adapter {source.name!r}: the matrices of {module!r} have rank {a[0]}, and r or "
                f"rank_pattern in {CONFIG_FILE} says {rank}; the two files are not of one adapter"
            )


def not_finite(source: AdapterSource, module: str) -> AdapterInvalid:
    """The error of a module that holds NaN or infinity."""
    return AdapterInvalid(
        f"adapter {source.name!r}: {module!r} holds NaN or infinity; train it again"
    )


def changes_nothing(source: AdapterSource) -> AdapterInvalid:
    """The error of an adapter whose B is zero everywhere."""
    return AdapterInvalid(
        f"adapter {source.name!r} changes nothing: every lora_B is zero; it was never trained"
    )


def no_weights(source: AdapterSource, file: Path) -> AdapterInvalid:
    """The error of a folder without safetensors."""
    return AdapterInvalid(
        f"{source.path} holds no {file.name}; other formats can run code when they are read "
        "and are rejected: save the adapter as safetensors"
    )
