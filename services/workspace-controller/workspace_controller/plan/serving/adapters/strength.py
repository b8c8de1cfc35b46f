"""How much of an adapter is applied."""

from kaito_api.workspace import Adapter


def strength_of(adapter: Adapter) -> float:
    """A number from 0 to 1, which the CRD enforces; anything else counts as 1."""
    try:
        return min(1.0, max(0.0, float(adapter.strength)))
    except ValueError:
        return 1.0
