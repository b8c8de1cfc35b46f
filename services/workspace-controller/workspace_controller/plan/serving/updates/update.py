"""Decides when a workload that differs from the wanted one is updated.

A change of the Workspace is applied at once. A change of the release's configuration, such as an
image tag, is rolled out to one Workspace at a time and stops at the first that does not become
ready. Whose turn it is follows from the workloads: the one that is being updated carries a mark
until it is seen ready.
"""

from dataclasses import dataclass
from enum import Enum

from kaito_api import labels
from kaito_kube.kinds import Manifest, annotations_of
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.observed import OngoingUpdate
from workspace_controller.plan.serving.workload_state import WorkloadState, replicas_of


class Update(Enum):
    """What to do with a workload that exists."""

    KEEP = "keep"
    APPLY = "apply"
    TAKE_TURN = "apply, and mark it until it is ready"
    WAIT = "wait for the turn"


class Change(Enum):
    """How a workload differs from the wanted one."""

    NONE = "none"
    MARKS = "annotations, which no pod sees"
    OWN = "what the Workspace determines, or an edit of the workload"
    CONFIGURATION = "what the release determines"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """`marked`: the workload has taken its turn and was not seen ready since.

    `other` is the update of another Workspace, where there is one.
    """

    change: Change
    state: WorkloadState
    marked: bool = False
    other: OngoingUpdate | None = None


def change_of(
    present: Manifest, wanted: Manifest, same_inputs: frozenset[str] = frozenset()
) -> Change:
    """`same_inputs` are digests that the same Workspace has in the circumstances of the workload.

    One without a digest is from an early release: what differs comes with the upgrade.
    """
    unchanged = _inputs(present) in ("", _inputs(wanted), *same_inputs)
    if revision_of(present) != revision_of(wanted):
        return Change.CONFIGURATION if unchanged else Change.OWN
    if replicas_of(present) != wanted["spec"]["replicas"]:
        return Change.OWN
    return Change.NONE if _marks(present) == _marks(wanted) else Change.MARKS


def is_marked(workload: Manifest) -> bool:
    return annotations_of(workload).get(labels.UPDATING) == "true"


def decide_update(situation: Situation) -> Update:
    """`TAKE_TURN` keeps a mark, too: what is not ready yet still holds the turn."""
    state = situation.state
    match situation.change:
        case Change.NONE if situation.marked and state is WorkloadState.COMPLETE:
            return Update.APPLY
        case Change.NONE:
            return Update.KEEP
        case Change.MARKS | Change.OWN:
            holds = situation.marked and state is not WorkloadState.COMPLETE
            return Update.TAKE_TURN if holds else Update.APPLY
    if situation.marked and state is not WorkloadState.COMPLETE:
        # A correction, or the way back: it must not wait for its own failure. The mark of one that
        # is ready is only not taken off yet, and several can have one.
        return Update.TAKE_TURN
    if state is WorkloadState.FAILED:
        # It was broken before, so the update harms nobody and may help; others do not wait for it.
        return Update.APPLY
    if not state.answers or situation.other is not None:
        return Update.WAIT
    return Update.TAKE_TURN


def _inputs(workload: Manifest) -> str:
    return annotations_of(workload).get(labels.INPUTS, "")


def _marks(workload: Manifest) -> tuple[str, str]:
    return _inputs(workload), annotations_of(workload).get(labels.ADAPTER_DELIVERY, "")
