"""One kind of trouble: how it is made, and what its user must then be told."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tools.demo.kubectl import Kubectl

Manifest = dict[str, Any]
Break = Callable[[Kubectl, Manifest], None]
Mend = Callable[[Kubectl], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """`break_` makes it (with the manifest, which it may change), `mend` takes the cause away:
    afterwards the Workspace recovers by itself. `words` must be in the message."""

    title: str
    condition: str
    reason: str
    words: str
    break_: Break
    mend: Mend | None = None
    seconds: float = 180


@dataclass(frozen=True, slots=True)
class Told:
    """What the user saw: the condition, and after how many seconds from `kubectl apply`."""

    condition: str
    status: str
    reason: str
    message: str
    seconds: float
    recovered: float | None = field(default=None)
