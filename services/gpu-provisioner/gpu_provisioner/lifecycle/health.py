"""Health: whether a node that could be used once can be used now."""

from gpu_provisioner.lifecycle.initialization import unable
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import Step
from gpu_provisioner.lifecycle.repair import repair
from kaito_api import conditions
from kaito_api.reasons import Reason


def health(observed: Observed) -> Step:
    """The claim's Ready, once everything before is done."""
    node = observed.node
    if node is None:
        return Step()
    trouble = unable(observed, node)
    if not trouble:
        return Step(conditions.true("Ready", Reason.READY), done=True)
    pool = observed.pool
    if pool is not None and not pool.running:
        trouble = f"{trouble}; agent pool {pool.name} was stopped"
    shown = Step(conditions.false("Ready", Reason.NODES_NOT_READY, trouble))
    return repair(observed, node, trouble, shown)
