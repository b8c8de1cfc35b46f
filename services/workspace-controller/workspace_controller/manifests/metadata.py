"""What every object of a Workspace carries: its owner, labels, and revision."""

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from kaito_api import labels
from kaito_kube.kinds import WORKSPACE, Key, Manifest, annotations_of, labels_of

Role = Literal["data-check", "tuning", "inference"]


@dataclass(frozen=True, slots=True)
class Owner:
    """The Workspace that an object belongs to, and the InferenceSet that it was created by.

    The set is known by the label: it stays when a Workspace outlives its set, so that the pods do.
    """

    namespace: str
    name: str
    uid: str
    inference_set: str = ""

    @property
    def labels(self) -> dict[str, str]:
        return {labels.WORKSPACE: self.name, labels.WORKSPACE_NAMESPACE: self.namespace}


def owner_of(workspace: Manifest) -> Owner:
    metadata = workspace["metadata"]
    created_by = labels_of(workspace).get(labels.CREATED_BY_SET, "")
    return Owner(metadata["namespace"], metadata["name"], metadata["uid"], created_by)


def metadata(owner: Owner, name: str, role: Role | None = None) -> Manifest:
    """Metadata of an object in the Workspace's namespace.

    Kubernetes deletes the object together with its owner.
    """
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
    """16 hexadecimal digits that depend on the content only."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def with_revision(manifest: Manifest, revision: str | None = None) -> Manifest:
    """The manifest with `revision`, by default the digest of its content, as an annotation."""
    result = copy.deepcopy(manifest)
    annotations = result["metadata"].setdefault("annotations", {})
    annotations[labels.REVISION] = revision or digest(manifest)
    return result


def revision_of(manifest: Manifest) -> str:
    """The revision that an object was created with; empty where it has none."""
    return annotations_of(manifest).get(labels.REVISION, "")


def belongs_to(manifest: Manifest, owner: Owner) -> bool:
    """Whether the Workspace is an owner of the object."""
    references = manifest["metadata"].get("ownerReferences") or ()
    return any(reference.get("uid") == owner.uid for reference in references)


def is_labeled_for(manifest: Manifest, owner: Owner) -> bool:
    """Whether the labels of a claim or node name this Workspace.

    Cluster-scoped objects cannot have a namespaced owner. The uid excludes what an earlier
    Workspace of the same name has left.
    """
    has = labels_of(manifest)
    same = has.get(labels.WORKSPACE_UID, owner.uid) == owner.uid
    return same and all(has.get(key) == value for key, value in owner.labels.items())


def workspace_key_of(manifest: Manifest) -> Key | None:
    """The Workspace that the labels of an object name; None where they name none."""
    has = labels_of(manifest)
    name = has.get(labels.WORKSPACE)
    namespace = has.get(labels.WORKSPACE_NAMESPACE) or manifest["metadata"].get("namespace")
    return Key(namespace, name) if name and namespace else None
