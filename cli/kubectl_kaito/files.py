"""Writes files of the user's machine."""

import os
from pathlib import Path

from kubectl_kaito.errors import UsageError


def write(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable for the user only.

    Raises:
        UsageError: it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        # A device would be replaced: as root, /dev/null of the whole machine.
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} cannot be written: it is not a regular file")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        partial.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
