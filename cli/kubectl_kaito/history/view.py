"""The recorded configurations of a Workspace. Pure."""

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from kaito_kube.kinds import Manifest, annotations_of
from kubectl_kaito import workspace_facts as facts
from kubectl_kaito.output import View

_CHANGE_CAUSE = "kubernetes.io/change-cause"


class RevisionView(View):
    revision: int
    served: bool = Field(description="Whether the workload has it now.")
    change: str | None = Field(description="What differs from the revision before.")
    age_seconds: float | None


class HistoryView(View):
    namespace: str
    name: str
    revisions: list[RevisionView] = Field(description="The oldest first.")
    held_at: int | None = Field(
        description="The revision that the annotation kaito.sh/undo-to-revision holds it at."
    )
    ended_at: int | None = Field(
        description="The revision that the annotation names after a change has ended the undo."
    )


def history(workspace: Manifest, revisions: Iterable[Manifest], now: datetime) -> HistoryView:
    """`revisions` are ControllerRevisions; those of other owners are left out."""
    metadata, status = workspace["metadata"], facts.status_of(workspace).get("revision") or {}
    undo = status.get("undo") or {}
    own = [each for each in revisions if _belongs_to(each, metadata["uid"])]
    own.sort(key=lambda each: int(each.get("revision") or 0))
    return HistoryView(
        namespace=metadata["namespace"],
        name=metadata["name"],
        revisions=[_revision(each, status.get("name"), now) for each in own],
        held_at=undo.get("revision") if undo.get("holds") else None,
        ended_at=None if undo.get("holds") else undo.get("revision"),
    )


def _revision(manifest: Manifest, served: str | None, now: datetime) -> RevisionView:
    return RevisionView(
        revision=int(manifest.get("revision") or 0),
        served=manifest["metadata"]["name"] == served,
        change=annotations_of(manifest).get(_CHANGE_CAUSE),
        age_seconds=facts.age_seconds(manifest, now),
    )


def _belongs_to(manifest: Manifest, uid: str) -> bool:
    owners = manifest["metadata"].get("ownerReferences") or ()
    return any(owner.get("uid") == uid for owner in owners)
