"""What every object of a Workspace carries: owner, labels, and the digest of its content."""

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from kaito_api import labels
from kaito_kube.kinds import WORKSPACE, Key, Manifest, annotations_of, labels_of

Role = Literal["tuning", "inference"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The Workspace that an object belongs to."""

    namespace: str
    name: str
    uid: str

    @property
    def labels(self) -> dict[str, str]:
        return {labels.WORKSPACE: self.name, labels.WORKSPACE_NAMESPACE: self.namespace}


def owner_of(workspace: Manifest) -> Owner:
    metadata = workspace["metadata"]
    return Owner(metadata["namespace"], metadata["name"], metadata["uid"])


def metadata(owner: Owner, name: str, role: Role | None = None) -> Manifest:
    """Of an object in the Workspace's namespace, which the garbage collector takes with it."""
    own = {**owner.labels, "app.kubernetes.io/managed-by": "kaito"}
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": {**own, labels.ROLE: role} if role else own,
        "ownerReferences": [
            {
                "apiVersion": WORKSPACE.api_version,
                "kind": WORKSPACE.kind,
                "name": owner.name,
                "uid": owner.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


def digest(content: Any) -> str:
    """16 hex characters that differ when the content does."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_revision(manifest: Manifest, revision: str | None = None) -> Manifest:
    """The manifest with the digest of its content (or `revision`) as its revision."""
    result = copy.deepcopy(manifest)
    annotations = result["metadata"].setdefault("annotations", {})
    annotations[labels.REVISION] = revision or digest(manifest)
    return result


def revision_of(manifest: Manifest) -> str:
    """The revision that an object was made with; empty when it carries none."""
    return annotations_of(manifest).get(labels.REVISION, "")


def belongs_to(manifest: Manifest, owner: Owner) -> bool:
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(reference.get("uid") == owner.uid for reference in references)


def is_labeled_for(manifest: Manifest, owner: Owner) -> bool:
    """Claims have no owner, being of no namespace: labels say whose they are. Those that a
    Workspace of the same name left when it went are not this one's."""
    has = labels_of(manifest)
    same = has.get(labels.WORKSPACE_UID, owner.uid) == owner.uid
    return same and all(has.get(key) == value for key, value in owner.labels.items())


def workspace_key_of(manifest: Manifest) -> Key | None:
    """The Workspace that an object is labelled as belonging to."""
    has = labels_of(manifest)
    name = has.get(labels.WORKSPACE)
    namespace = has.get(labels.WORKSPACE_NAMESPACE) or manifest["metadata"].get("namespace")
    return Key(namespace, name) if name and namespace else None
