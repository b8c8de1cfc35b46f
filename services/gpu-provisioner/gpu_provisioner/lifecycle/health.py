"""Health: whether an initialized node can run pods now."""

from gpu_provisioner.lifecycle.initialization import why_unusable
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import StageResult
from gpu_provisioner.lifecycle.repair import repair
from kaito_api import conditions
from kaito_api.reasons import Reason


def health(observed: Observed) -> StageResult:
    """Return the claim's Ready condition, once all earlier stages are done."""
    node = observed.node
    if node is None:
        return StageResult()
    problem = why_unusable(observed, node)
    if not problem:
        return StageResult(conditions.true("Ready", Reason.READY), done=True)
    pool = observed.pool
    if pool is not None and not pool.running:
        problem = f"{problem}; agent pool {pool.name} is stopped"
    not_ready = StageResult(conditions.false("Ready", Reason.NODES_NOT_READY, problem))
    return repair(observed, node, problem, not_ready)
