"""Records each configuration that the workload of a Workspace was given.

What is recorded is the workload that is there, before it is updated: whatever dies in between, the
next pass finds either the old one recorded, or the new one to record.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kaito_kube.kinds import CONTROLLER_REVISION, Kind, Manifest
from workspace_controller.manifests.controller_revision import (
    Revision,
    controller_revision,
    revision_name,
)
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import Action, Apply, Delete
from workspace_controller.plan.serving.updates.changes import describe_change
from workspace_controller.plan.serving.updates.undo import Undo, undo_of

# As many as Kubernetes keeps of a Deployment and of a StatefulSet.
KEPT = 10


@dataclass(frozen=True, slots=True)
class Record:
    """`status` is the field `revision` of the Workspace's status."""

    actions: tuple[Action, ...] = ()
    status: Manifest | None = None


def needs_revisions(observed: Observed) -> bool:
    """Whether a decision depends on the revisions; they are not watched, because they are large.

    They are needed once for each update, and while the Workspace is held at one of them.
    """
    undo = undo_of(observed)
    if undo is not None and undo.holds:
        return True
    workload = observed.deployment or observed.stateful_set
    if workload is None or not revision_of(workload):
        return False
    return bool(_known(observed).get("name") != revision_name(observed.owner, workload))


def record(observed: Observed, kind: Kind, present: Manifest, wanted: Manifest) -> Record:
    """Records the workload that is there, and says which revision it is."""
    undo, known = undo_of(observed), _known(observed)
    # After a refusal only the status is written, and it must not say what was not recorded.
    if observed.revisions is None or observed.refusal is not None:
        return Record(status=_status(known, undo))
    if not revision_of(present):
        return Record(status=_status({}, undo))
    name = revision_name(observed.owner, present)
    found = next((each for each in observed.revisions if each.name == name), None)
    newest = max(observed.revisions, key=lambda each: each.number, default=None)
    if found is None:
        # As it was given; the API server has put its defaults into the one that is there.
        given = wanted if revision_of(wanted) == revision_of(present) else present
        revision = _next(Revision(number=0, name=name, kind=kind.kind, spec=given["spec"]), newest)
    elif newest is not None and found.number < newest.number and not _held(undo):
        # The same configuration again: as in Kubernetes, it becomes the newest.
        revision = _next(found, newest)
    else:
        return Record(status=_status(_facts(found), undo))
    applied = controller_revision(observed.owner, revision)
    save = Apply(CONTROLLER_REVISION, applied, verify_owner=True)
    others = [each for each in observed.revisions if each.name != name]
    return Record((save, *_prune(observed, others, undo)), _status(_facts(revision), undo))


def undo_status(observed: Observed) -> Manifest | None:
    """The status field while there is no workload that has a revision."""
    return _status({}, undo_of(observed))


def _next(revision: Revision, newest: Revision | None) -> Revision:
    if newest is None:
        return replace(revision, number=1, change="the first revision that is recorded")
    change = describe_change(newest, revision)
    return replace(revision, number=newest.number + 1, change=change)


def _prune(observed: Observed, others: Sequence[Revision], undo: Undo | None) -> tuple[Delete, ...]:
    """Deletes the oldest, but never the one that the Workspace goes back to."""
    held = undo.number if undo is not None and undo.holds else None
    spare = sorted((each for each in others if each.number != held), key=lambda each: each.number)
    namespace = observed.owner.namespace
    excess = max(0, len(others) + 1 - KEPT)
    return tuple(Delete(CONTROLLER_REVISION, each.name, namespace) for each in spare[:excess])


def _known(observed: Observed) -> Manifest:
    """What the status says of the revision, without the annotation."""
    before = observed.status.get("revision") or {}
    return {key: before[key] for key in ("number", "name", "change") if key in before}


def _facts(revision: Revision) -> Manifest:
    return {"number": revision.number, "name": revision.name, "change": revision.change}


def _held(undo: Undo | None) -> bool:
    return undo is not None and undo.holds


def _status(facts: Manifest, undo: Undo | None) -> Manifest | None:
    return {**facts, **({"undo": undo.status} if undo is not None else {})} or None
