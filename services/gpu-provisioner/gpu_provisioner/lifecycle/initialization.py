"""Initialization: the Node is Ready, its startup taints are gone, its GPUs are advertised."""

from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import PatchNode, Step
from kaito_api import conditions, labels
from kaito_api.quantity import parse
from kaito_kube.kinds import Manifest, labels_of


def initialization(observed: Observed) -> Step:
    node, claim = observed.node, observed.claim
    if node is None:
        return Step()
    type_ = claim.kind.initialized
    if trouble := _not_yet(observed, node):
        since = claim.since(claim.kind.registered) or observed.now
        late = observed.now - since > observed.terms.initialization_timeout
        if late:
            return Step(conditions.false(type_, "InitializationTimeout", trouble))
        left = (since + observed.terms.initialization_timeout - observed.now).total_seconds()
        pending = conditions.unknown(type_, "InitializationPending", trouble)
        return Step(pending, look_again=left + 1)
    name = node["metadata"]["name"]
    marked = labels_of(node).get(labels.INITIALIZED) == "true"
    mark = PatchNode(name, {"metadata": {"labels": {labels.INITIALIZED: "true"}}})
    return Step(
        conditions.true(type_, "Initialized", f"node {name} can be used"),
        () if marked else (mark,),
        done=True,
    )


def is_ready(node: Manifest) -> bool:
    """The Node's own Ready condition."""
    return conditions.is_true(node, "Ready")


def _not_yet(observed: Observed, node: Manifest) -> str:
    """What the Node still lacks, in words; empty when nothing."""
    name = node["metadata"]["name"]
    if not is_ready(node):
        return f"node {name} is not Ready"
    startup = {(t.key, t.effect) for t in observed.claim.startup_taints}
    present = {(t["key"], t["effect"]) for t in (node.get("spec") or {}).get("taints") or ()}
    if waiting := sorted(key for key, _ in startup & present):
        return f"node {name} still has the startup taints {', '.join(waiting)}"
    allocatable = (node.get("status") or {}).get("allocatable") or {}
    gpus = int(parse(allocatable.get(labels.GPU_RESOURCE, "0")))
    if gpus < observed.gpus:
        return (
            f"node {name} advertises {gpus} of {observed.gpus} {labels.GPU_RESOURCE}: "
            "the driver and the device plugin make it so"
        )
    return ""
