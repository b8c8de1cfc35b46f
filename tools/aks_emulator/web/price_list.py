"""Azure's public price list, the Retail Prices API, for the emulated region. Pure."""

import re
from urllib.parse import urlencode

from tools.aks_emulator.core.model import Json
from tools.aks_emulator.core.prices import per_hour, recorded
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request, Response

PATH = "/api/retail/prices"
# Azure has a thousand on a page: here every client has to follow the link.
_PAGE = 20
_SKIP = "$skip"
_SIZES = re.compile(r"armSkuName eq '([^']*)'")
_REGION = re.compile(r"armRegionName eq '([^']*)'")


def list_prices(context: Context, request: Request) -> Response:
    """The prices on demand and of spot machines for the filter's region and VM sizes."""
    wanted = request.query.get("$filter", "")
    regions, sizes = _REGION.findall(wanted), _SIZES.findall(wanted)
    region = context.azure.settings.ids.location
    items = [] if regions and region not in regions else _items(context, region, sizes)
    skip = request.query.get(_SKIP, "0")
    start = int(skip) if skip.isdecimal() else 0
    following = None
    if len(items) > start + _PAGE:
        query = urlencode({**request.query, _SKIP: start + _PAGE})
        following = f"{request.base_url}{PATH}?{query}"
    shown = items[start : start + _PAGE]
    body = {"BillingCurrency": "USD", "Items": shown, "NextPageLink": following}
    return Response(200, {**body, "Count": len(shown)})


def _items(context: Context, region: str, sizes: list[str]) -> list[Json]:
    prices = context.azure.state.prices
    return [
        _item(size, region, per_hour(size, prices, spot=spot), " Spot" if spot else "")
        for size in sorted(recorded())
        if not sizes or size in sizes
        for spot in (False, True)
    ]


def _item(size: str, region: str, price: float, kind: str) -> Json:
    name = size.removeprefix("Standard_").replace("_", " ")
    return {
        "currencyCode": "USD",
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": region,
        "meterName": f"{name}{kind}",
        "productName": f"Virtual Machines {name} Series",
        "skuName": f"{name}{kind}",
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "armSkuName": size,
    }
