"""Answers the calls on the subscription, its quota, and the sizes for sale."""

import re
from collections.abc import Mapping

from tools.aks_emulator.core.errors import bad_request, location_not_found
from tools.aks_emulator.core.faults import FaultKind
from tools.aks_emulator.core.market import sku_json, usage_json, usages
from tools.aks_emulator.web.desk import Desk
from tools.aks_emulator.web.pages import page
from tools.aks_emulator.web.replies import Reply, Request, refuse

Params = Mapping[str, str]
FILTER = re.compile(r"^location eq '(?P<location>[^']*)'$", re.IGNORECASE)


def get_subscription(desk: Desk, request: Request, params: Params) -> Reply:
    place = desk.azure.terms.place
    disabled = any(f.kind is FaultKind.SUBSCRIPTION_DISABLED for f in desk.azure.faults)
    return Reply(
        200,
        {
            "id": place.subscription_id,
            "subscriptionId": place.subscription,
            "tenantId": place.tenant,
            "displayName": "Kaito local",
            "state": "Disabled" if disabled else "Enabled",
            "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
            "authorizationSource": "RoleBased",
        },
    )


def list_usages(desk: Desk, request: Request, params: Params) -> Reply:
    azure = desk.azure
    location = azure.terms.place.location
    if params["location"].lower() != location.lower():
        return refuse(location_not_found(params["location"], location))
    lines = usages(azure.state, azure.terms.catalog, azure.faults)
    items = [(f"{number:04d}", usage_json(usage)) for number, usage in enumerate(lines)]
    return Reply(200, page(items, request, desk.page_size))


def list_skus(desk: Desk, request: Request, params: Params) -> Reply:
    """The only filter there is, as in Azure, is that on the location."""
    location = desk.azure.terms.place.location
    text = request.query.get("$filter")
    wanted = FILTER.match(text) if text is not None else None
    if text is not None and wanted is None:
        return refuse(bad_request(f"The filter {text!r} isn't supported: location eq '<name>'."))
    elsewhere = wanted is not None and wanted["location"].lower() != location.lower()
    catalog = {} if elsewhere else desk.azure.terms.catalog
    items = [(s.name, sku_json(s, location, desk.azure.faults)) for s in catalog.values()]
    return Reply(200, page(items, request, desk.page_size))
