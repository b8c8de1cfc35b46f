"""AdmissionReviews of the validating webhook, and the configuration that calls it.

The webhook validates only what the CRD's schema cannot. It is never called for deletions or
status, so that it blocks neither.
"""

import base64
from collections.abc import Sequence
from typing import Any

from kaito_api import labels
from kaito_kube.kinds import Manifest
from workspace_controller.plan.problem import Problem
from workspace_controller.settings import Settings, release_labels

PATH = "/validate"
_WAITS = "the Workspace waits for it"
# CEL: the user changed the spec, or the limit of its price. An update of labels or finalizers must
# pass in any case.
_LIMIT = (
    "(has({0}.metadata.annotations) && '{1}' in {0}.metadata.annotations"
    " ? {0}.metadata.annotations['{1}'] : '')"
)
_CHANGED_LIMIT = " != ".join(
    _LIMIT.format(each, labels.MAX_PRICE_PER_HOUR) for each in ("object", "oldObject")
)
_CHANGED = " || ".join(
    f"has(object.{part}) != has(oldObject.{part}) || "
    f"(has(object.{part}) && object.{part} != oldObject.{part})"
    for part in ("resource", "inference", "tuning")
)


# Replicas may be changed whatever became of the template: what serves can always be scaled.
_SET_CHANGED = (
    "object.spec.template != oldObject.spec.template || "
    f"object.spec.labelSelector != oldObject.spec.labelSelector || {_CHANGED_LIMIT}"
)


def subject(review: Manifest) -> Manifest:
    """The Workspace or InferenceSet under review.

    A new object can lack its uid, its name (generateName), and its namespace.

    Raises:
        ValueError: the review has no object.
    """
    request: Any = review.get("request")
    manifest = request.get("object") if isinstance(request, dict) else None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("metadata"), dict):
        raise ValueError("the review has no object")
    metadata = {"uid": "", "name": "", **manifest["metadata"]}
    metadata["namespace"] = metadata.get("namespace") or request.get("namespace") or "default"
    return {**manifest, "metadata": metadata}


def answer(review: Manifest, problems: Sequence[Problem]) -> Manifest:
    """The review with its response; each problem has its own line.

    What a Workspace refers to may be created after it, in whatever order a GitOps tool applies
    them: that is a warning, and the Workspace waits.
    """
    denials = [problem for problem in problems if not problem.may_come_later]
    warnings = [f"{problem}; {_WAITS}" for problem in problems if problem.may_come_later]
    response: Manifest = {"uid": review["request"]["uid"], "allowed": not denials}
    if denials:
        text = "validation failed: " + "\n".join(str(problem) for problem in denials)
        response["status"] = {"code": 400, "reason": "BadRequest", "message": text}
    if warnings:
        response["warnings"] = warnings
    return {"apiVersion": review["apiVersion"], "kind": review["kind"], "response": response}


def configuration(settings: Settings, ca: bytes, owners: Sequence[Manifest] = ()) -> Manifest:
    """The ValidatingWebhookConfiguration of the release, with these owner references."""
    service = settings.webhook_service
    return {
        "metadata": {
            "name": service,
            "labels": release_labels(settings),
            **({"ownerReferences": list(owners)} if owners else {}),
        },
        "webhooks": [
            _webhook(settings, ca, "workspace", f"{_CHANGED} || {_CHANGED_LIMIT}"),
            _webhook(settings, ca, "inferenceset", _SET_CHANGED),
        ],
    }


def _webhook(settings: Settings, ca: bytes, resource: str, changed: str) -> Manifest:
    return {
        "name": f"validation.{resource}.kaito.sh",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        # The next pass reports what the webhook would have denied.
        "failurePolicy": "Ignore",
        "timeoutSeconds": 5,
        "clientConfig": {
            "service": {
                "name": settings.webhook_service,
                "namespace": settings.release_namespace,
                "path": PATH,
                "port": 443,
            },
            "caBundle": base64.b64encode(ca).decode(),
        },
        "rules": [
            {
                "apiGroups": [labels.GROUP],
                "apiVersions": ["v1alpha1", "v1beta1"],
                "operations": ["CREATE", "UPDATE"],
                "resources": [f"{resource}s"],
                "scope": "Namespaced",
            }
        ],
        "matchConditions": [
            {
                "name": "not-leaving",
                "expression": "!has(object.metadata.deletionTimestamp)",
            },
            {
                "name": "something-new",
                "expression": f"oldObject == null || {changed}",
            },
        ],
    }
