"""The context that all handlers share."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.aks_emulator.core.azure import Azure
from tools.aks_emulator.web.rate_limits import Buckets, Enforcement
from tools.aks_emulator.web.tokens import Issuer


@dataclass(slots=True, kw_only=True)
class Context:
    """The emulated Azure and the protocol settings; `retry_after` is in seconds, 0 for none."""

    azure: Azure
    issuer: Issuer
    retry_after: int = 1
    page_size: int = 1000
    enforcement: Enforcement = Enforcement.OFF
    buckets: Buckets = field(default_factory=Buckets)

    @property
    def retry_after_header(self) -> Mapping[str, str]:
        return {"Retry-After": str(self.retry_after)} if self.retry_after else {}
