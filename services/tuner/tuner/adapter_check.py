"""Finds out whether an adapter is worth keeping, from its file of weights. Needs no torch."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tuner.base_model.safetensors_header import read_safetensors_header

# PEFT's names of the matrices that start at zero: the adapter changes nothing until they move.
B_MATRICES = ("lora_B", "lora_embedding_B")
# Bytes read at a time: memory stays flat however large the adapter is.
CHUNK_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class _FloatFormat:
    """An IEEE-like float read as an unsigned integer, so that bfloat16 needs no library."""

    integer: str
    magnitude: int
    infinity: int
    """All bits of the exponent. A magnitude of at least this is infinity or not a number."""


_FORMATS = {
    "F64": _FloatFormat("<u8", 0x7FFF_FFFF_FFFF_FFFF, 0x7FF0_0000_0000_0000),
    "F32": _FloatFormat("<u4", 0x7FFF_FFFF, 0x7F80_0000),
    "F16": _FloatFormat("<u2", 0x7FFF, 0x7C00),
    "BF16": _FloatFormat("<u2", 0x7FFF, 0x7F80),
}


def find_adapter_fault(weights: Path) -> str | None:
    """Why the adapter in the safetensors file `weights` must not be used; None if nothing speaks
    against it. The sentence continues one that starts with the adapter.
    """
    try:
        return _find_fault(weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"cannot be read as safetensors: {type(error).__name__}: {error}"


def _find_fault(weights: Path) -> str | None:
    learned = False
    header = read_safetensors_header(weights)
    with weights.open("rb") as file:
        for name, tensor in sorted(header.tensors.items()):
            start, end = tensor["data_offsets"]
            file.seek(header.data_start + start)
            is_finite, is_zero = _scan(file, end - start, tensor["dtype"])
            if not is_finite:
                return f"has values that are not finite (in {name})"
            learned |= not is_zero and any(matrix in name for matrix in B_MATRICES)
    return None if learned else "changes nothing: every matrix B is zero"


def _scan(file: Any, size: int, dtype: str) -> tuple[bool, bool]:
    """Whether all values are finite, and whether all are zero."""
    if dtype not in _FORMATS:
        raise ValueError(f"a tensor holds {dtype}; use one of: {', '.join(_FORMATS)}")
    form = _FORMATS[dtype]
    is_zero = True
    while size > 0:
        data = file.read(min(size, CHUNK_BYTES))
        if not data:
            raise ValueError("the file ends inside a tensor")
        size -= len(data)
        magnitudes = np.frombuffer(data, form.integer) & np.array(form.magnitude, form.integer)
        if bool((magnitudes >= form.infinity).any()):
            return False, False
        is_zero &= not magnitudes.any()
    return True, is_zero
