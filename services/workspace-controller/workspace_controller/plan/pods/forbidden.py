"""What to do about an object that the API server forbids, by its words."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import shorten


@dataclass(frozen=True, slots=True)
class _Cause:
    pattern: re.Pattern[str]
    remedy: Callable[[re.Match[str]], str]


def _cause(pattern: str, remedy: str) -> _Cause:
    """`{0}` in the remedy is the first group of the pattern."""
    return _Cause(re.compile(pattern), lambda match: remedy.format(*match.groups()))


# In the words of Kubernetes' admission plugins; the first that matches counts.
_CAUSES = (
    _cause(
        r"failed quota: ([^:\s]+)",
        "ResourceQuota {0} wants every container to set these resources: give the namespace a "
        "LimitRange with defaults, or change the quota",
    ),
    _cause(
        r"exceeded quota: ([^,\s]+)",
        "raise ResourceQuota {0}, or delete what uses it up (kubectl describe resourcequota {0})",
    ),
    # The level that a cluster has for namespaces without the label.
    _cause(
        r'violates PodSecurity "([^":]+)[^"]*".*(?:hostPath volumes \(volume|'
        r'restricted volume types \(volume) "model"',
        "set the label pod-security.kubernetes.io/enforce of the namespace to {0}, and its pods "
        "keep no models on the node; or empty workspace-controller.settings.modelCache",
    ),
    _cause(
        r'violates PodSecurity "([^"]+)"',
        "relax the label pod-security.kubernetes.io/enforce of the namespace, which is {0}, or use "
        "another namespace",
    ),
    _cause(
        r"(?:maximum|minimum) \S+ usage per |max limit to request ratio per ",
        "change the namespace's LimitRange (kubectl describe limitrange)",
    ),
    _cause(
        r'serviceaccount "([^"]+)" not found|service account \S+/(\S+):',
        "create the ServiceAccount that the message names in the namespace",
    ),
    _cause(
        r'ValidatingAdmissionPolicy \W?([^\'"\s]+)',
        "meet the policy {0}, or ask its owner for an exemption",
    ),
    _cause(
        r'admission webhook "([^"]+)" denied',
        "do what the webhook {0} asks for, or ask its owner for an exemption",
    ),
    _cause(
        r'failed calling webhook "([^"]+)"',
        "the webhook {0} does not answer: repair or remove it",
    ),
)
_UNKNOWN = "kubectl describe shows the details"


# Events are not watched, so a pass that waits for a pod looks again.
LOOK_AGAIN_SECONDS = 10.0


def creation_failure(observed: Observed, controller: Manifest) -> Failure | None:
    """Why a Job, StatefulSet or Deployment cannot create its pod; None where it can, or may."""
    conditions = (controller.get("status") or {}).get("conditions") or ()
    for condition in conditions:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            return forbidden_pod(str(condition.get("message") or condition.get("reason")))
    message = observed.forbidden_pods.get(str(controller["metadata"].get("uid")))
    return forbidden_pod(message) if message else None


def remedy_for(message: str) -> str | None:
    """What to do about a cause that admission has for a refusal; None for any other."""
    for cause in _CAUSES:
        if (match := cause.pattern.search(message)) is not None:
            return cause.remedy(match)
    return None


def forbidden_pod(message: str) -> Failure:
    """The failure of a controller that cannot create a pod, with the API server's `message`."""
    remedy = remedy_for(message) or _UNKNOWN
    text = f"the API server forbids the pod: {shorten(message)}; {remedy}"
    return Failure(Reason.POD_FORBIDDEN, text)
