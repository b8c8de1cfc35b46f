"""Deployment and StatefulSet around a pod template, which can be the user's own."""

import copy
from dataclasses import dataclass

from kaito_api import labels
from kaito_api.manifest import Opaque
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.metadata import Owner, metadata, with_revision
from workspace_controller.manifests.placement import Placement, affinity, tolerations


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`template` is a PodTemplateSpec; its pods are ready within `readiness_timeout_seconds`.

    `inputs` is a digest of what the Workspace itself determines of it, under the operator's
    `adapter_delivery`.
    """

    owner: Owner
    template: Manifest
    replicas: int
    readiness_timeout_seconds: int = 1800
    inputs: str = ""
    adapter_delivery: str = ""


# Explicitly null: the API server refuses the fields of a rolling update beside Recreate.
_RECREATE: Manifest = {"type": "Recreate", "rollingUpdate": None}
_SURGE: Manifest = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}


def headless_name(owner: Owner) -> str:
    return f"{owner.name}-headless"


def selector(owner: Owner) -> dict[str, str]:
    return {labels.WORKSPACE: owner.name, labels.ROLE: "inference"}


def template_of(owner: Owner, pod_spec: Manifest) -> Manifest:
    return {"metadata": {"labels": _pod_labels(owner)}, "spec": pod_spec}


def _pod_labels(owner: Owner) -> dict[str, str]:
    """With that of the InferenceSet, whose Service leads to the pods of all its Workspaces."""
    of_set = {labels.CREATED_BY_SET: owner.inference_set} if owner.inference_set else {}
    return {**metadata(owner, "", "inference")["labels"], **of_set}


def custom_template(owner: Owner, template: Opaque, placement: Placement) -> Manifest:
    """The user's pod template with the labels, affinity and tolerations of the Workspace."""
    result: Manifest = copy.deepcopy(dict(template))
    # Null is the same as missing.
    own = result["metadata"] = result.get("metadata") or {}
    own["labels"] = {**(own.get("labels") or {}), **_pod_labels(owner)}
    spec = result["spec"] = result.get("spec") or {}
    spec["affinity"] = {**(spec.get("affinity") or {}), **affinity(placement)}
    has = spec.get("tolerations") or []
    spec["tolerations"] = [*has, *(t for t in tolerations() if t not in has)]
    return result


def deployment(workload: Workload) -> Manifest:
    """Recreates its pods: usually the new one would wait for GPUs that the old one still holds."""
    return _with_inputs(
        workload,
        {
            "metadata": metadata(workload.owner, workload.owner.name, "inference"),
            "spec": {
                "replicas": workload.replicas,
                "strategy": {"type": "Recreate"},
                # The old pod's last answers and pulling the images come on top of the time to
                # become ready.
                "progressDeadlineSeconds": workload.readiness_timeout_seconds
                + _grace_period_seconds(workload.template)
                + 600,
                "revisionHistoryLimit": 2,
                "selector": {"matchLabels": selector(workload.owner)},
                "template": workload.template,
            },
        },
    )


def _grace_period_seconds(template: Manifest) -> int:
    """How long the old pod may take to end. The template may be a user's, and hold anything."""
    seconds = template["spec"].get("terminationGracePeriodSeconds")
    return seconds if isinstance(seconds, int) else 0


def stateful_set(workload: Workload) -> Manifest:
    """For a model that spans nodes: its pods start in parallel and have stable names."""
    return _with_inputs(
        workload,
        {
            "metadata": metadata(workload.owner, workload.owner.name, "inference"),
            "spec": {
                "replicas": workload.replicas,
                "serviceName": headless_name(workload.owner),
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": selector(workload.owner)},
                "template": workload.template,
            },
        },
    )


def updated(workload: Manifest, *, surge: bool, updating: bool) -> Manifest:
    """The workload as it is applied: how its pods are replaced, and whether it has the turn.

    Neither is part of its revision. `surge` starts the new pod of a Deployment beside the old one.
    """
    result = copy.deepcopy(workload)
    result["metadata"]["annotations"][labels.UPDATING] = "true" if updating else "false"
    if "strategy" in result["spec"]:
        result["spec"]["strategy"] = copy.deepcopy(_SURGE if surge else _RECREATE)
    return result


def _with_inputs(workload: Workload, manifest: Manifest) -> Manifest:
    """With its revision, and beside it what of that is the Workspace's own."""
    result = with_revision(manifest)
    annotations = result["metadata"]["annotations"]
    annotations[labels.INPUTS] = workload.inputs
    annotations[labels.ADAPTER_DELIVERY] = workload.adapter_delivery
    return result
