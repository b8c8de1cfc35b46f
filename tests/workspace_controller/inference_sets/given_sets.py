"""Builds InferenceSets, and their Workspaces as they report themselves."""

from typing import Any

from kaito_api import labels
from kaito_api.inference_set import InferenceSetSpec, parse
from kaito_kube.kinds import INFERENCE_SET, Manifest
from tests.workspace_controller.given import INSTANCE, NAMESPACE, PRESET
from workspace_controller.inference_sets.plan.manifests import template_hash, workspace

SET_UID = "00000000-0000-0000-0000-00000000beef"


def inference_set(name: str = "phi", **spec: Any) -> Manifest:
    return {
        "apiVersion": INFERENCE_SET.api_version,
        "kind": INFERENCE_SET.kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": SET_UID, "generation": 1},
        "spec": {
            "replicas": 2,
            "labelSelector": {"matchLabels": {"app": "phi"}},
            "template": template(),
            **spec,
        },
    }


def template(instance_type: str = INSTANCE, **inference: Any) -> Manifest:
    return {
        "resource": {"instanceType": instance_type},
        "inference": {"preset": {"name": PRESET}, **inference},
    }


def spec_of(manifest: Manifest) -> InferenceSetSpec:
    return parse(manifest)


def hash_of(manifest: Manifest) -> str:
    return template_hash(parse(manifest))


def member(
    owner: Manifest, name: str, *, ready: bool = True, failed: str = "", **metadata: Any
) -> Manifest:
    """A Workspace of the set with the present template, as the API server has it."""
    made = workspace(owner, name, hash_of(owner))
    conditions = [
        {"type": "InferenceReady", "status": "False", "reason": "ModelLoading", "message": "soon"},
        {"type": "WorkspaceReady", "status": "False", "reason": "WorkspacePending", "message": ""},
    ]
    if ready:
        conditions = [{"type": "WorkspaceReady", "status": "True", "reason": "WorkspaceReady"}]
    if failed:
        conditions[0] |= {"reason": "ContainerCrashed", "message": failed}
        conditions[1] |= {"reason": "WorkspaceFailed"}
    state = "Ready" if ready else "Failed" if failed else "Loading"
    server = {
        "uid": f"uid-{name}",
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        **metadata,
    }
    return {
        **made,
        "metadata": {**made["metadata"], **server},
        "status": {"state": state, "observedGeneration": 1, "conditions": conditions},
    }


def outdated(workspace_: Manifest, hash_: str = "earlier") -> Manifest:
    """The Workspace as it is after the template of its set has changed."""
    metadata = workspace_["metadata"]
    labels_ = {**metadata["labels"], labels.TEMPLATE_HASH: hash_}
    return {**workspace_, "metadata": {**metadata, "labels": labels_}}
