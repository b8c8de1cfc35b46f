"""Keeps prices for a day: they change monthly, and a plan should not wait for them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kaito_api.conditions import parse_time, rfc3339
from kaito_skus.price_sheet import Price, PriceSheet
from kubectl_kaito.prices.source import PriceSource

_MAX_AGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class CachedPrices:
    """A folder that cannot be read or written costs a request and nothing else."""

    source: PriceSource
    folder: Path
    now: Callable[[], datetime]

    def read(self, region: str, instance_types: Sequence[str]) -> PriceSheet:
        file = self.folder / f"{region}.json"
        kept = _load(file, region, instance_types)
        if kept is not None and timedelta(0) <= self.now() - kept.read_at < _MAX_AGE:
            return kept
        sheet = self.source.read(region, instance_types)
        _save(file, sheet, instance_types)
        return sheet


def _load(file: Path, region: str, instance_types: Sequence[str]) -> PriceSheet | None:
    """None where it holds too little, or is no price sheet."""
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if not {*instance_types} <= {*document["asked"]}:
            return None
        prices = {
            name: Price(each["onDemand"], each["spot"])
            for name, each in document["prices"].items()
            if name in instance_types
        }
        return PriceSheet(region, prices, parse_time(document["readAt"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _save(file: Path, sheet: PriceSheet, instance_types: Sequence[str]) -> None:
    prices = {
        name: {"onDemand": price.on_demand, "spot": price.spot}
        for name, price in sheet.prices.items()
    }
    document = {"readAt": rfc3339(sheet.read_at), "asked": list(instance_types), "prices": prices}
    partial = file.with_suffix(".partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(document), encoding="utf-8")
        partial.replace(file)
    except OSError:
        return
