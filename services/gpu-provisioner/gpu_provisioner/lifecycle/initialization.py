"""Initialization: the Node is Ready, its startup taints are gone, its resources are advertised.
What was reached once stays: whether the node works now is health's question."""

from gpu_provisioner.lifecycle.health_policy import counted_from, judge
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import PatchNode, Step
from gpu_provisioner.lifecycle.repair import repair
from kaito_api import conditions, labels
from kaito_api.quantity import parse
from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest, labels_of

# Taints that every Node has for a moment. What they say is over when they are gone.
_EPHEMERAL = frozenset(
    {
        ("node.kubernetes.io/not-ready", "NoSchedule"),
        ("node.kubernetes.io/unreachable", "NoSchedule"),
        ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule"),
    }
)
# A claim's storage is the size of its machine's disk, which no Node advertises by that name.
_NOT_ADVERTISED = frozenset({"storage"})


def initialization(observed: Observed) -> Step:
    node, claim = observed.node, observed.claim
    if node is None:
        return Step()
    name, type_ = node["metadata"]["name"], claim.kind.initialized
    if claim.since(type_) is None and (trouble := _trouble(observed, node)):
        return _not_yet(observed, node, trouble)
    marked = labels_of(node).get(labels.INITIALIZED) == "true"
    mark = PatchNode(name, {"metadata": {"labels": {labels.INITIALIZED: "true"}}})
    return Step(
        conditions.true(type_, Reason.INITIALIZED, f"node {name} can be used"),
        () if marked else (mark,),
        done=True,
    )


def unable(observed: Observed, node: Manifest) -> str:
    """What keeps the Node from running the claim's pods, in words; empty when nothing does."""
    if not conditions.is_true(node, "Ready"):
        return f"node {node['metadata']['name']} is not Ready"
    return _lacking(observed, node)


def _trouble(observed: Observed, node: Manifest) -> str:
    startup = {(t.key, t.effect) for t in observed.claim.startup_taints}
    present = {(t["key"], t["effect"]) for t in (node.get("spec") or {}).get("taints") or ()}
    waiting = sorted(key for key, _ in (startup | _EPHEMERAL) & present)
    if waiting and conditions.is_true(node, "Ready"):
        name = node["metadata"]["name"]
        return f"node {name} still has the startup taints {', '.join(waiting)}"
    return unable(observed, node)


def _not_yet(observed: Observed, node: Manifest, trouble: str) -> Step:
    claim, longest = observed.claim, observed.terms.initialization_timeout
    type_ = claim.kind.initialized
    since = counted_from(observed, claim.since(claim.kind.registered) or observed.now)
    left = (since + longest - observed.now).total_seconds()
    pending = Step(conditions.unknown(type_, Reason.INITIALIZATION_PENDING, trouble))
    late = Step(conditions.false(type_, Reason.INITIALIZATION_TIMEOUT, trouble))
    if claim.since(type_, "False", Reason.INITIALIZATION_TIMEOUT) is not None:
        shown = late
    elif left > 0:
        shown = Step(pending.condition, look_again=left + 1)
    else:
        shown = judge(observed, late, pending)
    return repair(observed, node, trouble, shown)


def _lacking(observed: Observed, node: Manifest) -> str:
    """Resources that are asked for and that the Node does not advertise."""
    name = node["metadata"]["name"]
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    gpus = int(parse(allocatable.get(labels.GPU_RESOURCE, "0")))
    if gpus < observed.gpus:
        return (
            f"node {name} advertises {gpus} of {observed.gpus} {labels.GPU_RESOURCE}: "
            "the driver and the device plugin make it so"
        )
    for resource, asked in observed.claim.requests.items():
        there = resource in _NOT_ADVERTISED or _amount(allocatable.get(resource, "0")) > 0
        if not there and _amount(asked) > 0:
            return f"node {name} does not advertise {resource}, which the claim requests"
    return ""


def _amount(text: str) -> float:
    """Zero for what is no quantity: the launch refuses it, and nothing waits for it here."""
    try:
        return float(parse(text))
    except ValueError:
        return 0.0
