"""How a pod reaches the registry of an adapter: what of the pull secrets it needs. Pure."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from kaito.inference.v1 import inference_pb2
from kaito_kube.kinds import Manifest
from kaito_registry.credentials import Credentials, parse_credentials
from kaito_registry.reference import Reference, parse_reference
from workspace_controller.plan.plan import PulledAdapter

_CONFIG, _CA = ".dockerconfigjson", "ca.crt"


@dataclass(frozen=True, slots=True)
class PullSecret:
    """A Secret that an adapter names. `data` is None where it does not exist."""

    name: str
    data: Manifest | None = field(repr=False)

    def content(self, key: str) -> bytes | None:
        """The content of a key; None where there is none."""
        try:
            return base64.b64decode((self.data or {})[key])
        except (KeyError, TypeError, binascii.Error):
            return None


def wanted_adapter(
    adapter: PulledAdapter, namespace: str, secrets: Sequence[PullSecret]
) -> inference_pb2.WantedAdapter:
    """The adapter as a pod is given it: with the credentials of its registry, and no others."""
    return inference_pb2.WantedAdapter(
        name=adapter.name,
        image=adapter.image,
        strength=adapter.strength,
        access=_access(adapter, namespace, secrets),
    )


def _access(
    adapter: PulledAdapter, namespace: str, secrets: Sequence[PullSecret]
) -> inference_pb2.RegistryAccess:
    found = [(secret, _credentials(secret, adapter.image)) for secret in secrets]
    # The first that has some, as the kubelet tries them in turn.
    _, credentials = next(((s, c) for s, c in found if c), (None, Credentials()))
    authorities = [content for s in secrets if (content := s.content(_CA)) is not None]
    return inference_pb2.RegistryAccess(
        username=credentials.username,
        password=credentials.password,
        identity_token=credentials.identity_token,
        ca_certificates=b"\n".join(authorities).decode("ascii", "replace"),
        plain_http=adapter.plain_http,
        source=_source(namespace, secrets),
    )


def _credentials(secret: PullSecret, image: str) -> Credentials:
    """Empty where the Secret has none for the image."""
    try:
        reference: Reference = parse_reference(image)
        return parse_credentials(secret.content(_CONFIG) or b"{}", reference)
    except ValueError:
        return Credentials()


def _source(namespace: str, secrets: Sequence[PullSecret]) -> str:
    """The Secrets, as a sentence begins with them; empty where there are none."""
    if not secrets:
        return ""
    names = [
        f"{namespace}/{s.name}{'' if s.data is not None else ' (which does not exist)'}"
        for s in secrets
    ]
    return f"the Secret{'s' if len(names) > 1 else ''} {', '.join(names)}"
