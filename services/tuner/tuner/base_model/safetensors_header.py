"""The header of a safetensors file: what tensors it holds, and where."""

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SafetensorsHeader:
    """`tensors` are by name, as the file describes them: dtype, shape and data_offsets, which
    count from the byte `data_start` of the file."""

    tensors: Mapping[str, Mapping[str, Any]]
    data_start: int


def read_safetensors_header(file: Path) -> SafetensorsHeader:
    """The header of `file`. Reads no weights.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no header, or one that is longer than the file.
    """
    with file.open("rb") as opened:
        size = opened.read(8)
        if len(size) < 8:
            raise ValueError("it ends before its header")
        (length,) = struct.unpack("<Q", size)
        if length > file.stat().st_size:
            raise ValueError("its header is longer than the file")
        tensors: dict[str, dict[str, Any]] = json.loads(opened.read(length))
    tensors.pop("__metadata__", None)
    return SafetensorsHeader(tensors, 8 + length)
