"""Amounts of US dollars in documents, as whole numbers of a small part of a dollar. Pure."""

from decimal import Decimal


def whole_parts(value: object, most: int, parts: int) -> int | None:
    """So many dollars in whole parts, of which a dollar has `parts`.

    None for what is no amount from 0 to `most` dollars, or no whole number of parts.
    """
    if isinstance(value, bool):
        return None
    try:
        dollars = Decimal(str(value))
        # Compared first: 1e999999 is a Decimal, and a billion times of it is none.
        if not 0 <= dollars <= most:
            return None
        amount = dollars * parts
    except ArithmeticError:
        return None
    return int(amount) if amount == int(amount) else None
