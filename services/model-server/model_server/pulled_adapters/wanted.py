"""The adapters that are to be pulled, and what became of them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from kaito_registry.credentials import Credentials


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryAccess:
    """How a registry is reached. `source` is where the credentials are from, for messages.

    `ca_certificates` are PEM. Nothing of it is ever logged or stored.
    """

    credentials: Credentials = field(default=Credentials(), repr=False)
    ca_certificates: str = field(default="", repr=False)
    plain_http: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """Which keys may sign an image: PEM, one after the other. `source` is where they are from."""

    public_keys: str
    source: str

    @property
    def mark(self) -> str:
        """Stands for the keys in the name of a folder that holds what they have signed."""
        return f"-{hashlib.sha256(self.public_keys.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedAdapter:
    """An image to serve under a name, if `verification` allows it."""

    name: str
    image: str
    strength: float = 1.0
    access: RegistryAccess = RegistryAccess()
    verification: Verification | None = None

    @property
    def folder_name(self) -> str:
        """The name of the folder that the image is pulled to."""
        mark = self.verification.mark if self.verification is not None else ""
        return f"{hashlib.sha256(self.image.encode()).hexdigest()[:32]}{mark}"

    def trusts(self, folder_name: str) -> bool:
        """Whether what is in a folder may serve: another image too, if the same keys signed it."""
        return self.verification is None or folder_name.endswith(self.verification.mark)


class PulledState(StrEnum):
    """Where an adapter that is to be pulled is."""

    PENDING = "pending"
    SERVING = "serving"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledAdapter:
    """What became of a wanted adapter. `image` is what answers under the name, by digest.

    `unverified`: it is rejected for its signature. `signed_by` is the fingerprint of the image's
    key, if one was demanded.
    """

    name: str
    state: PulledState
    image: str = ""
    cause: str = ""
    unverified: bool = False
    signed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedList:
    """The adapters that are to be pulled. `revision` is whatever the caller calls the list."""

    adapters: tuple[WantedAdapter, ...] = ()
    revision: str = ""

    def to_json(self) -> str:
        """Without what opens the registries: it is written to a disk."""
        entries = [_entry(adapter) for adapter in self.adapters]
        return json.dumps({"revision": self.revision, "adapters": entries})

    @classmethod
    def from_json(cls, text: str) -> "WantedList":
        """Read what to_json has written.

        Raises:
            ValueError: it is something else.
        """
        try:
            document = json.loads(text)
            adapters = tuple(
                WantedAdapter(
                    name=str(entry["name"]),
                    image=str(entry["image"]),
                    strength=float(entry["strength"]),
                    verification=_verification(entry.get("verification")),
                )
                for entry in document["adapters"]
            )
            return cls(adapters=adapters, revision=str(document["revision"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a list of adapters: {error!r}") from error


def _entry(adapter: WantedAdapter) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": adapter.name,
        "image": adapter.image,
        "strength": adapter.strength,
    }
    if adapter.verification is not None:
        entry["verification"] = asdict(adapter.verification)
    return entry


def _verification(entry: Mapping[str, object] | None) -> Verification | None:
    if entry is None:
        return None
    return Verification(public_keys=str(entry["public_keys"]), source=str(entry["source"]))
