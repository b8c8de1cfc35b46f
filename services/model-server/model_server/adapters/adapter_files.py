"""The two files of an adapter's folder, and a digest of what is in them."""

import hashlib
from pathlib import Path

CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"


def digest(folder: Path) -> str:
    """The SHA-256 of both files. A file that is missing counts as empty."""
    whole = hashlib.sha256()
    for name in (CONFIG_FILE, WEIGHTS_FILE):
        try:
            with (folder / name).open("rb") as file:
                whole.update(hashlib.file_digest(file, "sha256").digest())
        except OSError:
            whole.update(bytes(32))
    return whole.hexdigest()
