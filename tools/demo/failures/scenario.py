"""A failure scenario: how the failure is injected, and which condition must report it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.demo.kubectl import Kubectl

Manifest = dict[str, Any]
Inject = Callable[[Kubectl, Manifest], None]
Fix = Callable[[Kubectl], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureScenario:
    """`inject` causes the failure and may change the manifest. `fix` removes the cause; afterwards
    the Workspace recovers on its own. The condition's message must contain `message_contains`.
    With `costs_no_node` the failure must be known before a node is requested.
    """

    title: str
    condition: str
    reason: str
    message_contains: str
    inject: Inject
    fix: Fix | None = None
    costs_no_node: bool = False
    timeout_seconds: float = 180


@dataclass(frozen=True, slots=True)
class ObservedFailure:
    """The condition that the user sees, how many seconds after `kubectl apply`, how many nodes were
    requested until then, and what `kubectl kaito why` explains at that moment.
    """

    condition: str
    status: str
    reason: str
    message: str
    seconds: float
    nodes: int
    why: Manifest
    recovered_seconds: float | None = None
