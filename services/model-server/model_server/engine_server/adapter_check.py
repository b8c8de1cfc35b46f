"""Checks the files of an adapter that a server applies, by the rules of every engine.

vLLM itself ignores modules that its model does not have, and serves NaN.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from safetensors import SafetensorError, deserialize

from model_server.adapters.adapter_files import CONFIG_FILE, WEIGHTS_FILE
from model_server.adapters.lora_config import read_lora_config
from model_server.adapters.lora_rules import (
    Matrix,
    changes_nothing,
    check_modules,
    check_pairs,
    no_weights,
    not_finite,
    parse_key,
)
from model_server.engine import AdapterInfo, AdapterSource
from model_server.engine_server.model_shapes import ModelShapes
from model_server.errors import AdapterInvalid

# By number format: its bytes as an integer, the bits of the exponent, and all but the sign.
_FORMATS: Mapping[str, tuple[type[np.unsignedinteger], int, int]] = {
    "BF16": (np.uint16, 0x7F80, 0x7FFF),
    "F16": (np.uint16, 0x7C00, 0x7FFF),
    "F32": (np.uint32, 0x7F80_0000, 0x7FFF_FFFF),
}


def check_adapter(source: AdapterSource, model: ModelShapes) -> AdapterInfo:
    """What the adapter declares, once all of it is known to have an effect.

    Raises:
        AdapterInvalid: names the file, key or shape.
    """
    config = read_lora_config(source.path / CONFIG_FILE)
    shapes: dict[Matrix, tuple[int, int]] = {}
    changes = False
    for matrix, shape, data, kind in _read_matrices(source):
        shapes[matrix] = shape
        integer, exponent, magnitude = _FORMATS[kind]
        bits = np.frombuffer(data, integer)
        # A number whose exponent has all bits is infinity or NaN.
        if bool(((bits & exponent) == exponent).any()):
            raise not_finite(source, matrix[0])
        changes |= matrix[1] == "B" and bool((bits & magnitude).any())
    modules = sorted({module for module, _ in shapes})
    base = {}
    unknown = []
    for module in modules if model.modules else ():
        name = model.find(module)
        if name is None:
            unknown.append(module)
        elif name in model.shapes:
            base[module] = model.shapes[name]
    check_modules(source, unknown)
    check_pairs(source, config, shapes, base)
    if not changes:
        raise changes_nothing(source)
    return AdapterInfo(rank=config.rank, base_model=config.base_model)


def _read_matrices(
    source: AdapterSource,
) -> Iterator[tuple[Matrix, tuple[int, int], bytes, str]]:
    """Each matrix, with its shape, its numbers and their format."""
    file = source.path / WEIGHTS_FILE
    if not file.is_file():
        raise no_weights(source, file)
    try:
        tensors = deserialize(file.read_bytes())
    except (SafetensorError, OSError) as error:
        raise AdapterInvalid(f"{file} is not a safetensors file: {error}") from error
    if not tensors:
        raise AdapterInvalid(f"{file} is empty")
    for key, tensor in tensors:
        shape, kind = tensor["shape"], str(tensor["dtype"])
        matrix = parse_key(file, key, len(shape))
        if kind not in _FORMATS:
            raise AdapterInvalid(
                f"{file}: {key!r} has the number format {kind}; save it as "
                f"{', '.join(sorted(_FORMATS))}"
            )
        yield matrix, (shape[0], shape[1]), bytes(tensor["data"]), kind
