"""Removes the secrets of the environment from texts of other libraries."""

import re
from collections.abc import Mapping

_SECRET_NAME = re.compile(r"KEY|TOKEN|PASSWORD|SECRET", re.IGNORECASE)
# The user and password of a URL, which a tracking server may have.
_USER_INFO = re.compile(r"(?<=://)[^/@\s]+@")
# Shorter values, such as "1", would remove words that are none of a secret.
_SHORTEST = 6


def without_secrets(text: str, environ: Mapping[str, str]) -> str:
    """`text` with the values of secret variables, and with credentials in URLs, replaced."""
    for name, value in environ.items():
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST:
            text = text.replace(value, "***")
    return _USER_INFO.sub("***@", text)
