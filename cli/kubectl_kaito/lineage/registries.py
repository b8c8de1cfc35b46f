"""The seam to container registries: what one has about an image."""

from dataclasses import dataclass
from typing import Protocol

from kaito_registry.reference import Reference
from kubectl_kaito.lineage.access import Access


class RegistryTrouble(Exception):
    """A registry does not say what it has about an image. The message says why."""


@dataclass(frozen=True, slots=True)
class Attached:
    """The digest that a reference leads to, and the bundles about it, good or bad."""

    digest: str
    bundles: tuple[bytes, ...]


class Registries(Protocol):
    def read(self, reference: Reference, access: Access) -> Attached:
        """Raises:
        RegistryTrouble: it cannot be read.
        """
        ...
