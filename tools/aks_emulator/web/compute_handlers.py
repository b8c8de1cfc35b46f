"""Handlers of the calls on the subscription, its quota and the VM sizes."""

import re
from collections.abc import Mapping

from tools.aks_emulator.core.availability import sku_json, usage_json, usages
from tools.aks_emulator.core.errors import bad_request, location_not_found
from tools.aks_emulator.core.faults import FaultKind
from tools.aks_emulator.web.context import Context
from tools.aks_emulator.web.messages import Request, Response, error_response
from tools.aks_emulator.web.paging import page

Params = Mapping[str, str]
FILTER = re.compile(r"^location eq '(?P<location>[^']*)'$", re.IGNORECASE)


def get_subscription(context: Context, request: Request, params: Params) -> Response:
    ids = context.azure.settings.ids
    disabled = any(f.kind is FaultKind.SUBSCRIPTION_DISABLED for f in context.azure.faults)
    return Response(
        200,
        {
            "id": ids.subscription_id,
            "subscriptionId": ids.subscription,
            "tenantId": ids.tenant,
            "displayName": "Kaito local",
            "state": "Disabled" if disabled else "Enabled",
            "subscriptionPolicies": {"quotaId": "PayAsYouGo_2014-09-01", "spendingLimit": "Off"},
            "authorizationSource": "RoleBased",
        },
    )


def list_usages(context: Context, request: Request, params: Params) -> Response:
    azure = context.azure
    location = azure.settings.ids.location
    if params["location"].lower() != location.lower():
        return error_response(location_not_found(params["location"], location))
    quotas = usages(azure.state, azure.settings.catalog, azure.faults)
    items = [(f"{number:04d}", usage_json(usage)) for number, usage in enumerate(quotas)]
    return Response(200, page(items, request, context.page_size))


def list_skus(context: Context, request: Request, params: Params) -> Response:
    """List VM sizes. As in Azure, the location is the only supported filter."""
    location = context.azure.settings.ids.location
    text = request.query.get("$filter")
    matched = FILTER.match(text) if text is not None else None
    if text is not None and matched is None:
        return error_response(
            bad_request(f"The filter {text!r} is not supported: use location eq '<name>'.")
        )
    elsewhere = matched is not None and matched["location"].lower() != location.lower()
    catalog = {} if elsewhere else context.azure.settings.catalog
    items = [(s.name, sku_json(s, location, context.azure.faults)) for s in catalog.values()]
    return Response(200, page(items, request, context.page_size))
