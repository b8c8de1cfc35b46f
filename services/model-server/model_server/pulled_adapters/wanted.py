"""The adapters that are to be pulled, and what became of them."""

import hashlib
import json
from dataclasses import dataclass, field
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
class WantedAdapter:
    """An image to serve under a name."""

    name: str
    image: str
    strength: float = 1.0
    access: RegistryAccess = RegistryAccess()

    @property
    def folder_name(self) -> str:
        """The name of the folder that the image is pulled to."""
        return hashlib.sha256(self.image.encode()).hexdigest()[:32]


class PulledState(StrEnum):
    """Where an adapter that is to be pulled is."""

    PENDING = "pending"
    SERVING = "serving"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledAdapter:
    """What became of a wanted adapter. `image` is what answers under the name, by digest."""

    name: str
    state: PulledState
    image: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedList:
    """The adapters that are to be pulled. `revision` is whatever the caller calls the list."""

    adapters: tuple[WantedAdapter, ...] = ()
    revision: str = ""

    def to_json(self) -> str:
        """Without what opens the registries: it is written to a disk."""
        entries = [
            {"name": a.name, "image": a.image, "strength": a.strength} for a in self.adapters
        ]
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
                )
                for entry in document["adapters"]
            )
            return cls(adapters=adapters, revision=str(document["revision"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a list of adapters: {error!r}") from error
