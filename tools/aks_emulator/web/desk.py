"""What the answering functions share: the emulated Azure, and how it is shown on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.web.ratelimits import Buckets, Enforcement
from tools.aks_emulator.web.tokens import Issuer


@dataclass(slots=True, kw_only=True)
class Desk:
    """`retry_after` is the pace asked of pollers in seconds; 0 asks for none."""

    azure: Azure
    issuer: Issuer
    retry_after: int = 1
    page_size: int = 1000
    enforcement: Enforcement = Enforcement.OFF
    buckets: Buckets = field(default_factory=Buckets)

    @property
    def pace(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}
