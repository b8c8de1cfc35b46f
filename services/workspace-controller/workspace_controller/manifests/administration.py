"""The token that administers the adapters of a Workspace's model-server.

It follows from the controller's key and the Workspace's name, so it is stored nowhere. The pod gets
its digest only, which lets it recognize the token and lets nobody else make it.
"""

import hashlib
import hmac

from workspace_controller.manifests.metadata import Owner


def token(key: str, owner: Owner) -> str:
    """The token, as 64 hexadecimal digits."""
    name = f"{owner.namespace}/{owner.name}"
    return hmac.new(key.encode(), name.encode(), hashlib.sha256).hexdigest()


def token_sha256(key: str, owner: Owner) -> str:
    """The token's SHA-256, as 64 hexadecimal digits."""
    return hashlib.sha256(token(key, owner).encode()).hexdigest()
