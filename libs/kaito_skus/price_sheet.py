"""Prices that were read from Azure's list. Only data: the plugin starts with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per hour for one machine with Linux; None where it is not sold that way."""

    on_demand: float | None = None
    spot: float | None = None


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """The prices of one Azure region by instance type, and when they were read."""

    region: str
    prices: Mapping[str, Price]
    read_at: datetime
