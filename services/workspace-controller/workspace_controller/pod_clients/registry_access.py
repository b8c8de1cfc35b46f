"""How a pod reaches the registry of an adapter: what of the pull secrets it needs. Pure."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from kaito.inference.v1 import inference_pb2
from kaito_kube.kinds import Manifest
from kaito_registry.credentials import Credentials, parse_credentials
from kaito_registry.reference import Reference, parse_reference
from workspace_controller.plan.plan import PulledAdapter

_CONFIG, _CA, _PUBLIC_KEY = ".dockerconfigjson", "ca.crt", "cosign.pub"
# Put there by mistake: it stays here, and its name tells the pod what is wrong.
_PRIVATE_KEY = re.compile(
    r"(-----BEGIN ([A-Z ]*PRIVATE KEY)-----).*?(-----END \2-----|\Z)", re.DOTALL
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterObjects:
    """What an adapter names in its namespace. `certificates` are of its ConfigMap, in PEM form.

    `verification` is None where it demands no signature.
    """

    pull_secrets: Sequence[PullSecret] = ()
    verification: PullSecret | None = None
    certificates: str = ""


def wanted_adapter(
    adapter: PulledAdapter, namespace: str, objects: AdapterObjects
) -> inference_pb2.WantedAdapter:
    """The adapter as a pod is given it: with the credentials of its registry, and no others."""
    wanted = inference_pb2.WantedAdapter(
        name=adapter.name,
        image=adapter.image,
        strength=adapter.strength,
        access=_access(adapter, namespace, objects),
    )
    if (secret := objects.verification) is not None:
        # Without a key, nothing is accepted: the pod says what is wrong with the Secret.
        keys = secret.content(_PUBLIC_KEY) or b""
        text = keys.decode("ascii", "replace")
        wanted.verification.public_keys = _PRIVATE_KEY.sub(r"\1\n\3", text)
        wanted.verification.source = _source(namespace, [secret])
    return wanted


def _access(
    adapter: PulledAdapter, namespace: str, objects: AdapterObjects
) -> inference_pb2.RegistryAccess:
    secrets = objects.pull_secrets
    found = [(secret, _credentials(secret, adapter.image)) for secret in secrets]
    # The first that has some, as the kubelet tries them in turn.
    _, credentials = next(((s, c) for s, c in found if c), (None, Credentials()))
    authorities = [content for s in secrets if (content := s.content(_CA)) is not None]
    return inference_pb2.RegistryAccess(
        username=credentials.username,
        password=credentials.password,
        identity_token=credentials.identity_token,
        ca_certificates="\n".join((*_texts(authorities), objects.certificates)).strip(),
        plain_http=adapter.plain_http,
        source=_source(namespace, secrets),
    )


def _texts(contents: Sequence[bytes]) -> list[str]:
    return [content.decode("ascii", "replace") for content in contents]


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
