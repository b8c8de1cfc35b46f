"""The plan: what to make, change and delete, what to tell, and when to look again."""

from dataclasses import dataclass
from typing import Literal

from kaito_kube.kinds import Kind, Manifest


@dataclass(frozen=True, slots=True)
class Create:
    """Make an object that is never changed afterwards; one that is there already is fine."""

    kind: Kind
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Apply:
    """Make an object, or make it so. `known`: it was observed, and is this Workspace's."""

    kind: Kind
    manifest: Manifest
    known: bool


@dataclass(frozen=True, slots=True)
class Delete:
    """Start an object's deletion; one that is gone is fine."""

    kind: Kind
    name: str
    namespace: str = ""


Action = Create | Apply | Delete
Finalizer = Literal["keep", "add", "remove"]


@dataclass(frozen=True, slots=True)
class EmitEvent:
    """Something that the user is told once, beside the status."""

    warning: bool
    reason: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Carried out in the order of the fields: the finalizer is on before anything that could
    leak is made, and off only when `finalizer` says so after everything else.

    `status` is the whole status as it is to be, None to leave it. `requeue_after` is in seconds;
    None where only a change gives reason to look again.
    """

    finalizer: Finalizer = "keep"
    actions: tuple[Action, ...] = ()
    status: Manifest | None = None
    events: tuple[EmitEvent, ...] = ()
    requeue_after_seconds: float | None = None

    @property
    def worker_nodes(self) -> tuple[str, ...]:
        """The nodes that the Workspace uses from now on."""
        return tuple((self.status or {}).get("workerNodes") or ())


def earliest(*seconds: float | None) -> float | None:
    """The first of several times to look again."""
    return min((s for s in seconds if s is not None), default=None)
