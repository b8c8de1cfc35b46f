"""Going back to an earlier revision, as an annotation of the Workspace says.

It holds until the annotation is removed, or until the Workspace changes: then the change is what
its user wants. Other than with `kubectl rollout undo`, a new release does not end it.
"""

from dataclasses import dataclass

from kaito_api import labels
from kaito_kube.kinds import DEPLOYMENT, STATEFUL_SET, Kind, Manifest
from workspace_controller.manifests.controller_revision import Revision, recorded_workload
from workspace_controller.manifests.metadata import digest
from workspace_controller.observed import Observed

UNDO_FIELD = f"metadata.annotations[{labels.UNDO_TO_REVISION}]"
_KINDS = {kind.kind: kind for kind in (DEPLOYMENT, STATEFUL_SET)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """The annotation names revision `number`, and was first seen at the Workspace's `generation`.

    `holds`: the Workspace has not changed since.
    """

    number: int
    generation: int
    holds: bool

    @property
    def status(self) -> Manifest:
        return {"revision": self.number, "generation": self.generation, "holds": self.holds}


def undo_of(observed: Observed) -> Undo | None:
    """None without the annotation, and with one that is no number."""
    number = _number(observed.annotations.get(labels.UNDO_TO_REVISION, ""))
    if number is None:
        return None
    now = int(observed.workspace["metadata"].get("generation", 0))
    before = (observed.status.get("revision") or {}).get("undo") or {}
    generation = before.get("generation", now) if before.get("revision") == number else now
    return Undo(number=number, generation=generation, holds=generation == now)


def undo_problem(observed: Observed) -> str | None:
    """What is wrong with the annotation; None where it is fine, or missing."""
    text = observed.annotations.get(labels.UNDO_TO_REVISION)
    if text is None or _number(text) is not None:
        return None
    return (
        f"{text!r} is no revision: set the number of one that kubectl kaito history "
        f"{observed.owner.name} lists, or remove the annotation"
    )


def find_revision(observed: Observed, undo: Undo) -> Revision | None:
    """The revision that the annotation names; None if it is not recorded."""
    revisions = observed.revisions or ()
    return next((each for each in revisions if each.number == undo.number), None)


def undone_workload(observed: Observed, undo: Undo | None) -> tuple[Kind, Manifest] | None:
    """The workload to go back to; None where nothing holds the Workspace at a revision.

    Its inputs are its own, so that going there and back are changes of the user, and wait for no
    turn in a rollout.
    """
    revision = find_revision(observed, undo) if undo is not None and undo.holds else None
    if revision is None:
        return None
    manifest = recorded_workload(observed.owner, revision, digest(["undo", revision.name]))
    return _KINDS[revision.kind], manifest


def _number(text: str) -> int | None:
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
    return number or None
