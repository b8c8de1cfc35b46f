"""Records how long the start of the serving pod took, and what its model-server measured.

Once for each pod, when the model answers: what it follows from, such as a claim and the state of a
container, does not stay.
"""

from kaito_api import labels
from kaito_api.conditions import rfc3339
from kaito_kube.kinds import Manifest, is_being_deleted
from workspace_controller.manifests.serving_containers import MODEL_SERVER
from workspace_controller.observed import Measurement, ModelStart, Observed
from workspace_controller.plan.pods.status import pods_with_role
from workspace_controller.plan.pods.times import created_at, parsed, seconds_between, true_since
from workspace_controller.plan.serving.start.start_phases import (
    node_phases,
    pod_phases,
    slowest_claim,
)

# A pod that is ready answers; nothing waits for its report.
_ASK_AGAIN_SECONDS = 30.0


def pod_to_record(observed: Observed) -> Manifest | None:
    """The ready pod whose start is not in the status yet; of a model that spans nodes, the first.

    None where the newest pod is not ready: an old one beside it has started long ago.
    """
    pods = pods_with_role(observed.pods, "inference", labels.ROLE)
    pods = [pod for pod in pods if not is_being_deleted(pod)]
    if observed.stateful_set is not None:
        pods = [pod for pod in pods if pod["metadata"]["name"] == f"{observed.owner.name}-0"]
    if not pods or true_since(pods[0], "Ready") is None:
        return None
    recorded = (observed.status.get("startup") or {}).get("podUID")
    return None if pods[0]["metadata"].get("uid") == recorded else pods[0]


def pod_to_ask(observed: Observed) -> Manifest | None:
    """The pod to record, if it has a model-server that can tell more."""
    pod = pod_to_record(observed)
    if pod is None or not (pod.get("status") or {}).get("podIP"):
        return None
    has = (pod.get("spec") or {}).get("containers") or ()
    return pod if any(each.get("name") == MODEL_SERVER for each in has) else None


def ask_again_seconds(observed: Observed, *, answers: bool) -> float | None:
    """When to ask a pod again that has not answered."""
    return _ASK_AGAIN_SECONDS if answers and _is_unanswered(observed) else None


def startup_status(observed: Observed, *, answers: bool) -> Manifest | None:
    """The status field `startup`. `answers`: the model answers, with all its pods up to date."""
    before: Manifest | None = observed.status.get("startup")
    pod = pod_to_record(observed) if answers and not _is_unanswered(observed) else None
    if pod is None:
        return before
    reported = (observed.model_start or ModelStart()).seconds
    claim = _claim(observed, before or {})
    phases = {**(node_phases(claim) if claim is not None else {}), **pod_phases(pod, reported)}
    ready = true_since(pod, "Ready")
    total = seconds_between(created_at(claim if claim is not None else pod), ready)
    return {
        "pod": pod["metadata"]["name"],
        "podUID": pod["metadata"]["uid"],
        **({"readyTime": rfc3339(ready)} if ready is not None else {}),
        **{
            field: round(seconds)
            for field, seconds in {"totalSeconds": total, **phases}.items()
            if seconds is not None
        },
    }


def performance_status(observed: Observed, *, answers: bool) -> Manifest | None:
    """The status field `performance`: the figures of the same pod."""
    if not answers or _is_unanswered(observed) or pod_to_record(observed) is None:
        before: Manifest | None = observed.status.get("performance")
        return before
    found = (observed.model_start or ModelStart()).measurement
    return None if found is None else {"engine": found.engine, "metrics": _metrics(found)}


def _metrics(found: Measurement) -> Manifest:
    per_minute = f"{60 * found.peak_tokens_per_second:.0f}"
    metrics: Manifest = {
        "tokensPerSecond": {"value": f"{found.tokens_per_second:.1f}", "unit": "tokens/s"},
        "peakTokensPerMinute": {
            "value": per_minute,
            "unit": "tokens/min",
            "concurrency": found.concurrent_answers,
        },
    }
    for name, size in (
        ("peakMemory", found.peak_memory_bytes),
        ("memory", found.memory_bytes),
    ):
        if size is not None:
            metrics[name] = {"value": str(size), "unit": "bytes"}
    return metrics


def _is_unanswered(observed: Observed) -> bool:
    return observed.model_start is None and pod_to_ask(observed) is not None


def _claim(observed: Observed, before: Manifest) -> Manifest | None:
    """The claim of the node that the pod waited for.

    A pod that follows another one found its node ready, unless the node was replaced. The node of a
    tuning Workspace has trained before it serves.
    """
    metadata = observed.workspace["metadata"]
    since = parsed(before.get("readyTime") or metadata.get("creationTimestamp"))
    if since is None or observed.spec is None or observed.spec.tuning is not None:
        return None
    return slowest_claim(observed.claims, since)
