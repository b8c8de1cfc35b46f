"""The one decision about a claim: from what was observed to a plan. Pure and total."""

from gpu_provisioner.lifecycle.initialization import initialization, is_ready
from gpu_provisioner.lifecycle.launch import launch
from gpu_provisioner.lifecycle.node_patches import gathered
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import AddFinalizer, Plan, Step
from gpu_provisioner.lifecycle.registration import registration
from gpu_provisioner.lifecycle.termination import terminate
from kaito_api import conditions
from kaito_api.conditions import Condition
from kaito_kube.kinds import Manifest


def decide(observed: Observed) -> Plan:
    claim = observed.claim
    if claim.deleted is not None:
        return terminate(observed) if claim.has_finalizer else Plan()
    if not claim.has_finalizer:
        return Plan(actions=(AddFinalizer(),))
    steps = _steps(observed)
    return Plan(
        actions=gathered(action for step in steps for action in step.actions),
        status=_status(observed, steps),
        look_again=min((s.look_again for s in steps if s.look_again is not None), default=None),
    )


def _steps(observed: Observed) -> list[Step]:
    """Each step's turn comes when the one before is done."""
    steps: list[Step] = []
    for step in (launch, registration, initialization):
        steps.append(step(observed))
        if not steps[-1].done:
            break
    return steps


def _status(observed: Observed, steps: list[Step]) -> Manifest:
    found = [step.condition for step in steps if step.condition is not None]
    ready = _ready(observed, steps, found)
    before = observed.claim.manifest.get("status") or {}
    status: Manifest = {
        "conditions": conditions.merge(
            before.get("conditions") or (), [*found, ready], observed.now
        )
    }
    if observed.node is not None:
        status |= _of_node(observed.node)
    if observed.pool is not None and observed.pool.image:
        status["imageID"] = observed.pool.image
    return status


def _ready(observed: Observed, steps: list[Step], found: list[Condition]) -> Condition:
    """All steps done and the Node Ready now; otherwise what holds it up."""
    if not all(step.done for step in steps) or len(steps) < 3:
        last = found[-1]
        return Condition("Ready", last.status, last.reason, last.message)
    node = observed.node
    assert node is not None
    if not is_ready(node):
        name = node["metadata"]["name"]
        return conditions.false("Ready", "NodesNotReady", f"node {name} is not Ready")
    return conditions.true("Ready", "Ready", "")


def _of_node(node: Manifest) -> Manifest:
    status = node.get("status") or {}
    return {
        "nodeName": node["metadata"]["name"],
        "providerID": (node.get("spec") or {}).get("providerID", ""),
        "capacity": status.get("capacity") or {},
        "allocatable": status.get("allocatable") or {},
    }
