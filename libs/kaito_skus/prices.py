"""What a machine costs: the price list that was read, and the recorded prices where it has none.

The one source of workspace-controller and kubectl-kaito. Pure: who reads the list is outside.
"""

from dataclasses import dataclass
from decimal import Decimal

from kaito_skus import catalog
from kaito_skus.price_sheet import Price, PriceSheet
from kaito_skus.sku import Cloud, Sku


@dataclass(frozen=True, slots=True)
class Quote:
    """US dollars per hour for one machine, and where the figure is from."""

    per_hour: Decimal
    source: str
    listed: bool


@dataclass(frozen=True, slots=True)
class PriceBook:
    """`sheet` is None while no price list was read, and in an air gap."""

    sheet: PriceSheet | None = None

    def quote(self, instance_type: str, *, spot: bool = False) -> Quote | None:
        """None where nobody knows the price. A spot machine costs at most the price on demand."""
        sku = catalog.load().find(instance_type)
        if sku is None:
            return None
        return self._listed(sku, spot) or _recorded(sku)

    def _listed(self, sku: Sku, spot: bool) -> Quote | None:
        if self.sheet is None or sku.cloud is not Cloud.AZURE:
            return None
        price = self.sheet.prices.get(sku.name, Price())
        kind, amount = ("spot, ", price.spot) if spot else ("", price.on_demand)
        if spot and amount is None:
            kind, amount = "", price.on_demand
        if amount is None:
            return None
        day = self.sheet.read_at.date().isoformat()
        source = f"Azure Retail Prices API, {self.sheet.region}, {kind}read {day}"
        return Quote(Decimal(str(amount)), source, listed=True)


def _recorded(sku: Sku) -> Quote | None:
    if sku.price_usd_hour is None:
        return None
    prices = catalog.price_list(sku.cloud)
    source = f"recorded {prices.as_of}, {prices.region}: {prices.source}"
    return Quote(Decimal(str(sku.price_usd_hour)), source, listed=False)
