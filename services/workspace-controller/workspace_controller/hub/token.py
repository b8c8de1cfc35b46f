"""The token of the hub in a Secret of the user."""

import base64

from kaito_kube.kinds import Manifest

KEY = "HF_TOKEN"


def token_of(secret: Manifest) -> str | None:
    """The token; None where the Secret has none, or something that is no text."""
    try:
        # Tokens that are pasted into a file often end with a line break.
        return base64.b64decode((secret.get("data") or {})[KEY]).decode().strip() or None
    except (KeyError, TypeError, ValueError):
        return None
