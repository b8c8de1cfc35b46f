"""What one pass over an InferenceSet is going to do."""

from dataclasses import dataclass

from kaito_kube.kinds import Manifest
from workspace_controller.plan.plan import Apply, Delete, EmitEvent


@dataclass(frozen=True, slots=True)
class ScaleTo:
    """Sets spec.replicas, and records when: `at` is in RFC 3339."""

    replicas: int
    at: str
    event: EmitEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPlan:
    """Executed in the order of its fields.

    `scale` is a new number of replicas, which the next pass sees. `adopts` are Workspaces that get
    the label `template-hash`, and `creates` are Workspaces.
    `status` is the complete new status; None leaves it unchanged. `finalizers` are those that
    remain; None leaves them as they are.
    """

    scale: ScaleTo | None = None
    adopts: tuple[tuple[str, str], ...] = ()
    creates: tuple[Manifest, ...] = ()
    deletes: tuple[str, ...] = ()
    service: Apply | Delete | None = None
    status: Manifest | None = None
    events: tuple[EmitEvent, ...] = ()
    finalizers: tuple[str, ...] | None = None
    requeue_after_seconds: float | None = None

    @property
    def changes_workspaces(self) -> bool:
        return bool(self.adopts or self.creates or self.deletes)
