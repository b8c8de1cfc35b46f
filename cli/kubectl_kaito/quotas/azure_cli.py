"""Reads quotas with the user's own `az`, which knows their login, their cloud and their proxies.

The plugin has no Azure client and sees no token. Compute's usages count vCPUs by family; its SKUs
say in which zones a subscription gets an instance type.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kubectl_kaito.quotas.source import Quota, QuotaSheet, QuotasUnavailable

Json = Mapping[str, Any]
# Arguments in; exit code, stdout and stderr out.
Runner = Callable[[Sequence[str]], tuple[int, str, str]]

_USAGES, _SKUS = "2024-07-01", "2021-07-01"
_REGIONAL = "cores"
# The list of SKUs is a few megabytes, and az itself takes a second to start.
_TIMEOUT_SECONDS = 60
_MAX_PAGES = 20


class AzureCli:
    def __init__(self, subscription: str, run: Runner | None = None) -> None:
        self._compute = f"/subscriptions/{subscription}/providers/Microsoft.Compute"
        self._run = run or run_az

    def read(self, region: str) -> QuotaSheet:
        usages = self._get(f"{self._compute}/locations/{region}/usages?api-version={_USAGES}")
        skus = self._get(f"{self._compute}/skus?api-version={_SKUS}&$filter=location eq '{region}'")
        return parse(region, usages, skus)

    def _get(self, path: str) -> list[Json]:
        found: list[Json] = []
        following: str | None = path
        for _ in range(_MAX_PAGES):
            if following is None:
                break
            page = self._page(following)
            found += [item for item in page.get("value") or () if isinstance(item, dict)]
            following = page.get("nextLink") or None
        return found

    def _page(self, url: str) -> Json:
        code, out, err = self._run(["rest", "--method", "get", "--url", url, "--output", "json"])
        if code != 0:
            lines = [line.strip() for line in err.splitlines() if line.strip()]
            detail = lines[0].removeprefix("ERROR: ")[:300] if lines else f"exit code {code}"
            raise QuotasUnavailable(f"quota: unknown: az says {detail!r}")
        try:
            page = json.loads(out)
        except ValueError:
            page = None
        if not isinstance(page, dict):
            raise QuotasUnavailable("quota: unknown: az does not answer with JSON; update it")
        return page


def parse(region: str, usages: Iterable[Json], skus: Iterable[Json]) -> QuotaSheet:
    """Total: what Azure leaves out is not known."""
    quotas = dict(filter(None, map(_quota, usages)))
    zones: dict[str, tuple[str, ...]] = {}
    restricted: dict[str, str] = {}
    for sku in skus:
        name = str(sku.get("name") or "").lower()
        if sku.get("resourceType") != "virtualMachines" or not name:
            continue
        without, why = _restrictions(sku, region)
        zones[name] = tuple(sorted(_zones(sku, region) - without))
        if why:
            restricted[name] = why
    return QuotaSheet(
        region=region,
        families={name: quota for name, quota in quotas.items() if name != _REGIONAL},
        regional=quotas.get(_REGIONAL),
        zones=zones,
        restricted=restricted,
    )


def run_az(arguments: Sequence[str]) -> tuple[int, str, str]:
    """Raises:
    QuotasUnavailable: there is no az, or it does not end.
    """
    try:
        ran = subprocess.run(
            ["az", *arguments],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise QuotasUnavailable(
            "quota: unknown: it is read with the Azure CLI, and there is no `az` on your PATH"
        ) from None
    except (subprocess.TimeoutExpired, OSError) as error:
        raise QuotasUnavailable(f"quota: unknown: az fails: {type(error).__name__}") from None
    return ran.returncode, ran.stdout, ran.stderr


def _quota(usage: Json) -> tuple[str, Quota] | None:
    name = (usage.get("name") or {}).get("value")
    try:
        numbers = Quota(int(usage.get("currentValue") or 0), int(usage.get("limit") or 0))
    except (TypeError, ValueError):
        return None
    return (str(name).lower(), numbers) if name else None


def _zones(sku: Json, region: str) -> set[str]:
    return {
        str(zone)
        for location in sku.get("locationInfo") or ()
        if str(location.get("location")).casefold() == region.casefold()
        for zone in location.get("zones") or ()
    }


def _restrictions(sku: Json, region: str) -> tuple[set[str], str]:
    """The zones without it, and why the whole region is."""
    zones, why = set[str](), ""
    for each in sku.get("restrictions") or ():
        info = each.get("restrictionInfo") or {}
        where = [
            str(place).casefold() for place in info.get("locations") or each.get("values") or ()
        ]
        if region.casefold() not in where:
            continue
        if each.get("type") == "Zone":
            zones |= {str(zone) for zone in info.get("zones") or ()}
        else:
            why = str(each.get("reasonCode") or "not available")
    return zones, why
