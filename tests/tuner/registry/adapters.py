"""Adapter files for tests that do not load them into a model."""

import json
import struct
from pathlib import Path


def write_adapter(directory: Path, *values: float) -> Path:
    """Write an adapter directory as the trainer leaves it; `values` fill its only matrix B."""
    directory.mkdir()
    (directory / "adapter_config.json").write_text('{"r": 8}')
    values = values or (0.5,) * 2000
    tensor = {"dtype": "F32", "shape": [len(values), 1], "data_offsets": [0, 4 * len(values)]}
    header = json.dumps({"base_model.model.q.lora_B.weight": tensor}).encode()
    content = struct.pack("<Q", len(header)) + header + struct.pack(f"<{len(values)}f", *values)
    (directory / "adapter_model.safetensors").write_bytes(content)
    return directory
