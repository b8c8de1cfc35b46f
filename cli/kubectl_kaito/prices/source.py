"""The seam to a price list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class PricesUnavailable(Exception):
    """The price list cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per hour for one machine with Linux; None where it is not sold that way."""

    on_demand: float | None = None
    spot: float | None = None


@dataclass(frozen=True, slots=True)
class PriceSheet:
    """The prices of one region by instance type, and when they were read."""

    region: str
    prices: Mapping[str, Price]
    read_at: datetime


class PriceSource(Protocol):
    def read(self, region: str, instance_types: Sequence[str]) -> PriceSheet:
        """The prices of these instance types; those that the list does not have are left out.

        Raises:
            PricesUnavailable: the list cannot be read.
        """
        ...
