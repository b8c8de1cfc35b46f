"""The shapes of the linear modules of a model, from the headers of its files.

The weights themselves are not read: the server has them in a process of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from safetensors import SafetensorError, safe_open

from model_server.adapters.lora_rules import Shape

_WEIGHT = ".weight"
# What a model's files call a module and what an adapter calls it may begin differently.
_LAYER = re.compile(r"(?:^|\.)(layers\.\d+\..+)$")


@dataclass(frozen=True, slots=True)
class ModelShapes:
    """The modules with weights of two dimensions, and the names of all modules.

    A quantized module has no such weight. A model without safetensors has no names.
    """

    shapes: Mapping[str, Shape] = field(default_factory=dict)
    modules: frozenset[str] = frozenset()

    def find(self, module: str) -> str | None:
        """The model's own name of a module of an adapter; None if there is no such module."""
        if module in self.modules:
            return module
        if not (match := _LAYER.search(module)):
            return None
        ends = [each for each in self.modules if each.endswith(f".{match[1]}")]
        return ends[0] if len(ends) == 1 else None


def read_model_shapes(folder: Path) -> ModelShapes:
    """The shapes of a model's modules; none for a file that cannot be read."""
    shapes: dict[str, Shape] = {}
    modules: set[str] = set()
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="np") as tensors:
                for name in tensors.keys():  # noqa: SIM118
                    module = name.rpartition(".")[0]
                    modules.add(module)
                    shape = tensors.get_slice(name).get_shape()
                    if name.endswith(_WEIGHT) and len(shape) == 2:
                        shapes[module] = (shape[0], shape[1])
        # The server is who loads them, and who says what is wrong with them.
        except (SafetensorError, OSError):
            continue
    return ModelShapes(shapes, frozenset(modules))
