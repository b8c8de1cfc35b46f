"""Numbers as people read them."""

_SI = ((1e12, "trillion"), (1e9, "billion"), (1e6, "million"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def count(number: int, noun: str = "", plural: str = "") -> str:
    """1234567 as "1,234,567"; with a noun in the right number."""
    text = f"{number:,}"
    if not noun:
        return text
    return f"{text} {noun if number == 1 else plural or noun + 's'}"


def size(number_bytes: int) -> str:
    """1234567 as "1.2 MB"."""
    for unit, name in _BYTES:
        if number_bytes >= unit:
            return f"{number_bytes / unit:.1f} {name}"
    return f"{number_bytes} B"


def magnitude(number: float) -> str:
    """3821079552 as "3.82 billion"."""
    for unit, name in _SI:
        if number >= unit:
            return f"{number / unit:.3g} {name}"
    return f"{number:,.0f}"


def hours(least: float, most: float) -> str:
    """A range of hours, in minutes or days where these are easier to grasp."""
    if most * 60 < 1:
        return "less than a minute"
    if most < 2:
        return _range(f"{least * 60:.0f}", f"{most * 60:.0f}", "minutes")
    if least > 48:
        return _range(f"{least / 24:.1f}", f"{most / 24:.1f}", "days")
    return _range(f"{least:.1f}", f"{most:.1f}", "hours")


def about(text: str) -> str:
    """`text` as an estimate; what is less than something is one already."""
    return text if text.startswith("less than") else f"about {text}"


def dollars(least: float, most: float) -> str:
    """A range of US dollars."""
    if most < 0.01:
        return "less than $0.01"
    return _range(f"${least:,.2f}", f"${most:,.2f}", "").rstrip()


def _range(least: str, most: str, unit: str) -> str:
    span = most if least == most else f"{least} to {most}"
    return f"{span} {unit}"
