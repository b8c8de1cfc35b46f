"""A ControllerRevision: a configuration that the workload of a Workspace was given."""

import copy
from dataclasses import dataclass

from kaito_api import labels
from kaito_kube.kinds import (
    CONTROLLER_REVISION,
    DEPLOYMENT,
    STATEFUL_SET,
    Manifest,
    annotations_of,
)
from workspace_controller.manifests.metadata import Owner, metadata, revision_of

# `kubectl rollout history` prints it.
CHANGE_CAUSE = "kubernetes.io/change-cause"
_KINDS = (DEPLOYMENT.kind, STATEFUL_SET.kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """`kind` and `spec` are those of the workload, `change` is what differs from before, in words.

    `number` counts from 1; the highest is the newest. The name ends with the digest by which a
    workload knows its own revision.
    """

    number: int
    name: str
    kind: str
    spec: Manifest
    change: str = ""


def revision_name(owner: Owner, workload: Manifest) -> str:
    return f"{owner.name}-{revision_of(workload)}"


def controller_revision(owner: Owner, revision: Revision) -> Manifest:
    """The object. The API server keeps its data from being changed."""
    meta = metadata(owner, revision.name, "inference")
    return {
        "apiVersion": CONTROLLER_REVISION.api_version,
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {**meta, "annotations": {CHANGE_CAUSE: revision.change}},
        "revision": revision.number,
        "data": {"kind": revision.kind, "spec": revision.spec},
    }


def parse_revision(manifest: Manifest) -> Revision | None:
    """None for an object that holds no workload, such as one of KAITO's."""
    data = manifest.get("data") or {}
    if data.get("kind") not in _KINDS or not _is_workload(data.get("spec")):
        return None
    return Revision(
        number=int(manifest.get("revision") or 0),
        name=manifest["metadata"]["name"],
        kind=data["kind"],
        spec=data["spec"],
        change=annotations_of(manifest).get(CHANGE_CAUSE, ""),
    )


def recorded_workload(owner: Owner, revision: Revision, inputs: str) -> Manifest:
    """The workload as it was given, with the digest of its content."""
    meta = metadata(owner, owner.name, "inference")
    digest = revision.name.removeprefix(f"{owner.name}-")
    annotations = {labels.REVISION: digest, labels.INPUTS: inputs}
    return {
        "metadata": {**meta, "annotations": annotations},
        "spec": copy.deepcopy(revision.spec),
    }


def _is_workload(spec: object) -> bool:
    """Whether it has what decisions read: the API server checks nothing of a record."""
    match spec:
        case {"replicas": int(), "template": {"spec": {"containers": [dict(), *others]}}}:
            return all(isinstance(each, dict) for each in others)
    return False
