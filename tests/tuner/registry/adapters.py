"""Adapter files for tests that do not read them."""

from pathlib import Path


def write_adapter(directory: Path) -> Path:
    """Write an adapter directory as the trainer leaves it."""
    directory.mkdir()
    (directory / "adapter_config.json").write_text('{"r": 8}')
    (directory / "adapter_model.safetensors").write_bytes(b"weights" * 1000)
    return directory
