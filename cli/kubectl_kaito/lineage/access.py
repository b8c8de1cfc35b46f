"""What opens the registries: Secrets and ConfigMaps of the Workspace's namespace."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from kaito_kube.errors import Forbidden, NotFound
from kaito_kube.kinds import CONFIG_MAP, SECRET, Manifest
from kaito_registry.credentials import Credentials, parse_credentials
from kaito_registry.reference import Reference
from kubectl_kaito.cluster.cluster import Cluster

_CONFIG, _CA, _PUBLIC_KEY = ".dockerconfigjson", "ca.crt", "cosign.pub"


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a registry is reached. `notes` say what is missing; `certificates` are PEM."""

    credentials: Credentials = field(default=Credentials(), repr=False)
    certificates: str = field(default="", repr=False)
    plain_http: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamespaceReader:
    """Reads single objects, and remembers why one could not be read."""

    cluster: Cluster
    namespace: str
    notes: list[str] = field(default_factory=list)

    def secret(self, name: str, key: str) -> bytes:
        """The content of a Secret's key; empty where there is none."""
        try:
            data = self.cluster.get(SECRET, name, self.namespace).get("data") or {}
        except NotFound:
            self.notes.append(f"the Secret {self.namespace}/{name} does not exist")
            return b""
        except Forbidden:
            self.notes.append(f"you may not read the Secret {self.namespace}/{name}")
            return b""
        return _decoded(data, key)

    def config_map(self, name: str, key: str) -> str:
        try:
            data = self.cluster.get(CONFIG_MAP, name, self.namespace).get("data") or {}
        except (NotFound, Forbidden):
            self.notes.append(f"the ConfigMap {self.namespace}/{name} cannot be read")
            return ""
        return str(data.get(key) or "")


def read_access(
    reader: NamespaceReader,
    reference: Reference,
    secrets: Sequence[str],
    config_map: str,
    *,
    plain_http: bool,
) -> Access:
    """The credentials of the first Secret that has some, as the kubelet tries them in turn.

    Raises:
        ClusterError: the cluster does not answer.
    """
    credentials, certificates = Credentials(), list[str]()
    for name in secrets:
        content = reader.secret(name, _CONFIG) or b"{}"
        try:
            credentials = credentials or parse_credentials(content, reference)
        except ValueError as error:
            reader.notes.append(f"the Secret {reader.namespace}/{name} is {error}")
        certificates.append(reader.secret(name, _CA).decode("ascii", "replace"))
    if config_map:
        certificates.append(reader.config_map(config_map, _CA))
    return Access(
        credentials=credentials,
        certificates="\n".join(filter(None, certificates)),
        plain_http=plain_http,
        notes=tuple(dict.fromkeys(reader.notes)),
    )


def read_public_keys(reader: NamespaceReader, secrets: Sequence[str]) -> tuple[str, bytes]:
    """Where the public keys are from, and the keys in PEM form; empty where there are none.

    Then the first text says why the Secrets have none; it is empty if there are no Secrets.

    Raises:
        ClusterError: the cluster does not answer.
    """
    missing = NamespaceReader(reader.cluster, reader.namespace)
    for name in secrets:
        if content := missing.secret(name, _PUBLIC_KEY):
            return f"the Secret {reader.namespace}/{name}", content
        if not missing.notes:
            missing.notes.append(f"the Secret {reader.namespace}/{name} has no key {_PUBLIC_KEY}")
    return "; ".join(missing.notes), b""


def _decoded(data: Manifest, key: str) -> bytes:
    try:
        return base64.b64decode(data[key])
    except (KeyError, TypeError, binascii.Error):
        return b""
