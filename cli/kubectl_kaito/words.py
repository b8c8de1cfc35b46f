"""Amounts as people read them. Pure."""

_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def age(seconds: float) -> str:
    """As kubectl prints ages, with at most two units: 45s, 2m10s, 3h5m, 2d4h."""
    rest = max(0, int(seconds))
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or (parts and unit != "s"):
            parts.append(f"{count}{unit}")
    shown = [part for part in parts[:2] if not part.startswith("0")]
    return "".join(shown) or "0s"


def dollars(amount: float | None) -> str | None:
    return None if amount is None else f"${amount:,.2f}"


def gib(amount: float | None) -> str | None:
    return None if amount is None else f"{amount:.4g} GiB"


def plural(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
