"""The digest by which registries name content."""

import hashlib


def sha256(content: bytes) -> str:
    """The SHA-256 digest of `content`: "sha256:<hex>"."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
