"""Initialization: the Node is Ready, its startup taints are gone and its resources are advertised.
An initialized claim stays so: whether its node works now is decided in `health`."""

from gpu_provisioner.lifecycle.health_policy import timeout_start, when_settled
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import PatchNode, StageResult
from gpu_provisioner.lifecycle.repair import repair
from kaito_api import conditions, labels
from kaito_api.quantity import parse
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, labels_of

# Every Node has these taints for a moment, until a controller of the cluster removes them.
_EPHEMERAL = frozenset(
    {
        ("node.kubernetes.io/not-ready", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule"),
    }
)
# A claim's storage is the size of the OS disk. No Node advertises a resource of that name.
_NOT_ADVERTISED = frozenset({"storage"})


def initialization(observed: Observed) -> StageResult:
    node, claim = observed.node, observed.claim
    if node is None:
        return StageResult()
    name, type_ = node["metadata"]["name"], claim.kind.initialized
    is_initialized = claim.condition_since(type_) is not None
    if not is_initialized and (problem := _why_uninitialized(observed, node)):
        return _not_initialized(observed, node, problem)
    is_labeled = labels_of(node).get(labels.INITIALIZED) == "true"
    label = PatchNode(name, {"metadata": {"labels": {labels.INITIALIZED: "true"}}})
    return StageResult(
        conditions.true(type_, Reason.INITIALIZED, f"node {name} is initialized"),
        () if is_labeled else (label,),
        done=True,
    )


def why_unusable(observed: Observed, node: Manifest) -> str:
    """Return why the Node cannot run the claim's pods, or an empty text."""
    if not conditions.is_true(node, "Ready"):
        return f"node {node['metadata']['name']} is not Ready"
    return _missing_resource(observed, node)


def _why_uninitialized(observed: Observed, node: Manifest) -> str:
    startup = {(t.key, t.effect) for t in observed.claim.startup_taints}
    present = {(t["key"], t["effect"]) for t in (node.get("spec") or {}).get("taints") or ()}
    remaining = sorted(key for key, _ in (startup | _EPHEMERAL) & present)
    if remaining and conditions.is_true(node, "Ready"):
        name = node["metadata"]["name"]
        return f"node {name} still has the startup taints {', '.join(remaining)}"
    return why_unusable(observed, node)


def _not_initialized(observed: Observed, node: Manifest, problem: str) -> StageResult:
    claim, timeout = observed.claim, observed.timeouts.initialization_timeout
    type_ = claim.kind.initialized
    since = timeout_start(observed, claim.condition_since(claim.kind.registered) or observed.now)
    remaining = (since + timeout - observed.now).total_seconds()
    pending = StageResult(conditions.unknown(type_, Reason.INITIALIZATION_PENDING, problem))
    late = StageResult(conditions.false(type_, Reason.INITIALIZATION_TIMEOUT, problem))
    if claim.condition_since(type_, "False", Reason.INITIALIZATION_TIMEOUT) is not None:
        result = late
    elif remaining > 0:
        result = StageResult(pending.condition, requeue_after_seconds=remaining + 1)
    else:
        result = when_settled(observed, late, pending)
    return repair(observed, node, problem, result)


def _missing_resource(observed: Observed, node: Manifest) -> str:
    """Return which requested resource the Node does not advertise, or an empty text."""
    name = node["metadata"]["name"]
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    gpus = int(parse(allocatable.get(labels.GPU_RESOURCE, "0")))
    if gpus < observed.gpus:
        return (
            f"node {name} advertises {gpus} of {observed.gpus} {labels.GPU_RESOURCE}: "
            "check the GPU driver and the device plugin"
        )
    for resource, requested in observed.claim.requests.items():
        is_advertised = resource in _NOT_ADVERTISED or _amount(allocatable.get(resource, "0")) > 0
        if not is_advertised and _amount(requested) > 0:
            return f"node {name} does not advertise {resource}, which the claim requests"
    return ""


def _amount(text: str) -> float:
    """Return 0 for an invalid quantity: the launch rejects it, so nothing has to wait for it."""
    try:
        return float(parse(text))
    except ValueError:
        return 0.0
