"""A file with public keys of this machine."""

from pathlib import Path

from kaito_signatures.errors import KeyUnusable
from kaito_signatures.public_key import parse_public_keys
from kubectl_kaito.errors import UsageError


def read_key(path: Path) -> tuple[str, bytes]:
    """Where the keys are from, for messages, and the keys in PEM form.

    Raises:
        UsageError: the file cannot be read, or holds no public key that can be used.
    """
    try:
        content = path.read_bytes()
        parse_public_keys(content)
    except OSError as error:
        raise UsageError(f"--key {path} cannot be read: {error.strerror}") from None
    except KeyUnusable as error:
        raise UsageError(f"--key {path} {error}") from None
    return str(path), content
