"""What keys may use while the store is away, where the operator lets them pass. Pure."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Allowance:
    """So many tokens for each key and replica, from when the store went away until it is back."""

    tokens: int
    _taken: dict[str, int] = field(default_factory=dict)

    def take(self, key: str, tokens: int) -> bool:
        """Whether a request that may take so many tokens may pass; if so, they are taken."""
        taken = self._taken.get(key, 0) + tokens
        if taken > self.tokens:
            return False
        self._taken[key] = taken
        return True

    def reset(self) -> None:
        """The store is back."""
        self._taken.clear()
