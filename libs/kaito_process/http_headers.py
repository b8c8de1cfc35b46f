"""HTTP headers that the clients for data and for registries have in common."""

from collections.abc import Mapping

USER_AGENT = {"User-Agent": "kaito"}


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The Retry-After header in seconds; None if it is missing or holds a date."""
    value = headers.get("retry-after", "")
    return float(value) if value.isdigit() else None
