"""The seam to a price list."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from kaito_skus.price_sheet import Price


class PriceListAway(Exception):
    """The list cannot be read; the message says why."""


class PriceList(Protocol):
    async def read(self, region: str, instance_types: Sequence[str]) -> Mapping[str, Price]:
        """The prices of these instance types; those that the list does not have are left out.

        Raises:
            PriceListAway: the list cannot be read.
        """
        ...
