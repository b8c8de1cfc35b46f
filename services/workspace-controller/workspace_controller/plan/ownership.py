"""Whether an existing object that has the wanted name belongs to the Workspace."""

from enum import Enum

from kaito_api.reasons import Reason
from kaito_kube.kinds import Kind, Manifest, is_being_deleted
from workspace_controller.manifests.claims import CLAIM_KINDS
from workspace_controller.manifests.metadata import Owner, belongs_to, is_labeled_for
from workspace_controller.observed import Refusal


class Ownership(Enum):
    """Who owns an object, from the point of view of one Workspace."""

    OWN = "own"
    FOREIGN = "foreign"
    DELETING = "deleting"


def ownership(owner: Owner, kind: Kind, present: Manifest) -> Ownership:
    """Whom `present` belongs to, an object that has a name which `owner` needs.

    An object that is being deleted is reported as such whoever owns it: its name becomes free.
    """
    if is_being_deleted(present):
        return Ownership.DELETING
    # Cluster-scoped claims cannot have a namespaced owner, so their labels name it.
    is_own_claim = kind in CLAIM_KINDS and is_labeled_for(present, owner)
    return Ownership.OWN if belongs_to(present, owner) or is_own_claim else Ownership.FOREIGN


def name_taken(owner: Owner, kind: Kind, name: str) -> Refusal:
    """The refusal to change an object that belongs to somebody else."""
    place = f"{owner.namespace}/{name}" if kind.namespaced else name
    message = (
        f"{kind} {place} exists and does not belong to this Workspace: delete it, or give the "
        "Workspace another name"
    )
    return Refusal(reason=Reason.NAME_TAKEN, message=message)
