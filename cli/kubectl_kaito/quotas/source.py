"""The seam to the quotas of a subscription."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class QuotasUnavailable(Exception):
    """The quotas cannot be read; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Quota:
    """vCPUs of a VM family, or of the region."""

    used: int
    limit: int

    @property
    def left(self) -> int:
        return max(0, self.limit - self.used)


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaSheet:
    """What is left in a region. All names are in lower case; what is absent is not known.

    `zones` are those in which the subscription gets an instance type; `restricted` says why it
    gets it nowhere in the region.
    """

    region: str
    families: Mapping[str, Quota] = field(default_factory=dict)
    regional: Quota | None = None
    zones: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    restricted: Mapping[str, str] = field(default_factory=dict)

    def family(self, name: str | None) -> Quota | None:
        """That of a family; as in Azure's own listings, spaces and underscores do not count."""
        wanted = _plain(name or "")
        return next((q for key, q in self.families.items() if _plain(key) == wanted), None)


class QuotaSource(Protocol):
    def read(self, region: str) -> QuotaSheet:
        """Raises:
        QuotasUnavailable: there is no login, no right, or no answer.
        """
        ...


def _plain(name: str) -> str:
    return name.casefold().replace(" ", "").replace("_", "")
