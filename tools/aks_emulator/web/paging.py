"""Splits lists into pages, linked by `nextLink` as in Resource Manager. Pure."""

from collections.abc import Sequence
from urllib.parse import urlencode

from tools.aks_emulator.core.model import Json
from tools.aks_emulator.web.messages import Request

TOKEN = "$skiptoken"


def page(items: Sequence[tuple[str, Json]], request: Request, size: int) -> Json:
    """One page of `items`, each given with its sort key.

    The token is the last key returned, so items that appear or disappear between two calls neither
    repeat nor hide others.
    """
    after = request.query.get(TOKEN, "")
    rest = sorted((item for item in items if item[0] > after), key=lambda item: item[0])
    shown: Json = {"value": [value for _, value in rest[:size]]}
    if len(rest) > size:
        query = {**request.query, TOKEN: rest[size - 1][0]}
        shown["nextLink"] = f"{request.base_url}{request.path}?{urlencode(query)}"
    return shown
