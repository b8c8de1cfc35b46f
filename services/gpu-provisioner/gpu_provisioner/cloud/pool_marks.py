"""Tags and node labels to add to an agent pool. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Marks:
    """Tags and node labels to set on a pool, beside those that it has."""

    tags: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tags or self.labels)

    def __str__(self) -> str:
        named = (("tags", self.tags), ("labels", self.labels))
        return " and ".join(f"{kind} {', '.join(sorted(m))}" for kind, m in named if m)


def with_tags(present: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Return tags with others added. One whose name differs only in case is replaced: Azure
    refuses to have both."""
    names = {name.lower() for name in added}
    return {**{k: v for k, v in present.items() if k.lower() not in names}, **added}
