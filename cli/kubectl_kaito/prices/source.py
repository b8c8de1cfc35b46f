"""The seam to a price list."""

from collections.abc import Sequence
from typing import Protocol

from kaito_skus.price_sheet import PriceSheet


class PricesUnavailable(Exception):
    """The price list cannot be read; the message says why."""


class PriceSource(Protocol):
    def read(self, region: str, instance_types: Sequence[str]) -> PriceSheet:
        """The prices of these instance types; those that the list does not have are left out.

        Raises:
            PricesUnavailable: the list cannot be read.
        """
        ...
