"""A Workspace of an InferenceSet, as its status says."""

from dataclasses import dataclass

from kaito_api import condition_types, labels
from kaito_api.blocking import blocking_condition
from kaito_api.conditions import find, from_manifest, is_true
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, is_being_deleted, labels_of

# What follows from other conditions, and so never says why.
_SUMMARIES = (condition_types.WORKSPACE_READY, condition_types.WORKSPACE_SUCCEEDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """`template_hash` is empty for a Workspace that KAITO's controller created.

    `failed`: it does not serve, and waiting does not help. `message` says what it waits for, or why
    it failed. `requests` are those in flight; None where they are not known.
    """

    name: str
    template_hash: str = ""
    created: str = ""
    deleting: bool = False
    serving: bool = False
    failed: bool = False
    state: str = "Pending"
    message: str = ""
    nodes: int = 1
    requests: int | None = None


def replica_of(workspace: Manifest, requests: int | None = None) -> Replica:
    metadata, status = workspace["metadata"], workspace.get("status") or {}
    serving = is_true(workspace, condition_types.WORKSPACE_READY)
    return Replica(
        name=metadata["name"],
        template_hash=labels_of(workspace).get(labels.TEMPLATE_HASH, ""),
        created=str(metadata.get("creationTimestamp") or ""),
        deleting=is_being_deleted(workspace),
        serving=serving,
        failed=not serving and _has_failed(workspace),
        state=str(status.get("state") or "Pending"),
        message="" if serving else _message(workspace),
        nodes=int(status.get("targetNodeCount") or 1),
        requests=requests,
    )


def _has_failed(workspace: Manifest) -> bool:
    """By a status that is not older than the last change of the Workspace."""
    status = workspace.get("status") or {}
    ready = find(status.get("conditions") or (), condition_types.WORKSPACE_READY) or {}
    is_current = status.get("observedGeneration") == workspace["metadata"].get("generation")
    return is_current and ready.get("reason") == Reason.WORKSPACE_FAILED


def _message(workspace: Manifest) -> str:
    found = (workspace.get("status") or {}).get("conditions") or ()
    causes = [from_manifest(c) for c in found if c.get("type") not in _SUMMARIES]
    cause = blocking_condition(causes)
    return f"{cause.reason}: {cause.message}" if cause is not None else ""
