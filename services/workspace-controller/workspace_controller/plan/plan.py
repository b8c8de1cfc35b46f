"""What one pass over a Workspace is going to do."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from kaito_kube.kinds import Kind, Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """Creates an object that never changes afterwards; it may exist already."""

    kind: Kind
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Apply:
    """Creates or updates an object by server-side apply.

    With `verify_owner` an object of that name that was not observed may exist, so its owner is
    verified before it is changed. With `keep_present` as well, the Workspace's own is kept as it
    is: the store was behind, and what to do with it is for a pass that has observed it.
    """

    kind: Kind
    manifest: Manifest
    verify_owner: bool
    keep_present: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Starts the deletion of an object; it may be gone already."""

    kind: Kind
    name: str
    namespace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledAdapter:
    """An adapter that pods pull, with the Secrets of the Workspace's namespace that may open it.

    `verification_secret` has the keys that may sign it; empty: it needs no signature.
    """

    name: str
    image: str
    strength: float = 1.0
    pull_secrets: tuple[str, ...] = ()
    plain_http: bool = False
    verification_secret: str = ""
    ca_config_map: str = ""


@dataclass(frozen=True, slots=True)
class PullAdapters:
    """Gives a pod the list of adapters to pull. A pod that does not answer gets it later."""

    pod: str
    address: str
    adapters: tuple[PulledAdapter, ...]
    revision: str


class Turn(Enum):
    """What a plan does in the rollout of a new configuration of the release."""

    TAKES = "takes"
    WAITS = "waits"


Action = Create | Apply | Delete
Finalizer = Literal["keep", "add", "remove"]


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Records a Kubernetes Event about the Workspace."""

    warning: bool
    reason: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Executed in the order of its fields.

    The finalizer is added before the first action, so that nothing is left behind when the
    Workspace is deleted in between. It is removed after everything else.

    `status` is the complete new status; None leaves it unchanged. `requeue_after_seconds` is None
    where the next pass only has to follow a change. `requested_nodes` are all nodes of the
    Workspace, where the actions request some of them.
    """

    finalizer: Finalizer = "keep"
    actions: tuple[Action, ...] = ()
    pulls: tuple[PullAdapters, ...] = ()
    status: Manifest | None = None
    events: tuple[EmitEvent, ...] = ()
    requeue_after_seconds: float | None = None
    turn: Turn | None = None
    requested_nodes: int = 0

    @property
    def worker_nodes(self) -> tuple[str, ...]:
        """The names of the nodes that the Workspace uses from now on."""
        return tuple((self.status or {}).get("workerNodes") or ())


def earliest(*seconds: float | None) -> float | None:
    """The shortest of several delays; None means no delay is set."""
    return min((s for s in seconds if s is not None), default=None)
