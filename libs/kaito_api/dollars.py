"""Amounts of US dollars as users write them, and as messages show them. Pure."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

# A hundredth of a cent: as exact as a plan shows prices, so that what it shows can be promised.
_SMALLEST = Decimal("0.0001")
_FORM = re.compile(r"[0-9]{1,7}(\.[0-9]{1,6})?")

DOLLARS_REMEDY = "write US dollars per hour as a decimal number without a sign, for example 3.50"


def parse_dollars(text: str) -> Decimal | None:
    """The amount; None where the text is none. Zero is one."""
    return rounded(Decimal(text)) if _FORM.fullmatch(text) else None


def rounded(amount: Decimal) -> Decimal:
    """The amount to a hundredth of a cent. Amounts are compared like that."""
    return amount.quantize(_SMALLEST, ROUND_HALF_EVEN)


def format_dollars(amount: Decimal) -> str:
    """$3.06, and $3.0625 where cents are not enough."""
    text = f"{rounded(amount):f}"
    whole, cents = text[:-2], text[-2:].rstrip("0")
    return f"${whole}{cents}"
