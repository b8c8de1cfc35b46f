"""Lists in pages, linked by `nextLink` as Resource Manager does. Pure."""

from collections.abc import Sequence
from urllib.parse import urlencode

from tools.aks_emulator.core.model import Json
from tools.aks_emulator.web.replies import Request

TOKEN = "$skiptoken"


def page(items: Sequence[tuple[str, Json]], request: Request, size: int) -> Json:
    """One page of `items`, each with the key it is sorted by.

    The token is the last key shown, so that what comes and goes between two calls neither repeats
    nor hides another item.
    """
    after = request.query.get(TOKEN, "")
    rest = sorted((item for item in items if item[0] > after), key=lambda item: item[0])
    shown: Json = {"value": [value for _, value in rest[:size]]}
    if len(rest) > size:
        query = {**request.query, TOKEN: rest[size - 1][0]}
        shown["nextLink"] = f"{request.base_url}{request.path}?{urlencode(query)}"
    return shown
