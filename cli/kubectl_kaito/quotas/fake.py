"""Quotas in memory."""

from dataclasses import dataclass, field

from kubectl_kaito.quotas.source import QuotaSheet, QuotasUnavailable


@dataclass
class FakeQuotas:
    """Without a `sheet` nothing answers. `subscriptions` are those that were asked about."""

    sheet: QuotaSheet | None = None
    subscriptions: list[str] = field(default_factory=list)

    def read(self, region: str) -> QuotaSheet:
        if self.sheet is None:
            raise QuotasUnavailable("quota: unknown: az says 'Please run az login'")
        return self.sheet
