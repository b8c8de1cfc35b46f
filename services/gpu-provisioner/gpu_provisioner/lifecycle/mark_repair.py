"""Mark repair: tags and node labels that a pool has lost are put back. Pure.

A policy may remove them again, so the pauses grow, and only the first two attempts post an event.
"""

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.agent_pools.ownership import Ownership
from gpu_provisioner.cloud.pool_marks import Marks
from gpu_provisioner.cloud.pools import Pool, PoolState
from gpu_provisioner.lifecycle.observed import Observed
from gpu_provisioner.lifecycle.plan import Action, EmitEvent, RepairMarks, StageResult
from gpu_provisioner.lifecycle.retry_pause import Pause
from kaito_api import labels
from kaito_api.reasons import Reason

# A write to the pool each time. The machine works without the marks, so nobody waits for this.
PAUSE = Pause(60.0, 6 * 3600.0)
# An attempt that fails changes nothing that would start another pass, so the next one is due soon
# and finds out when to try again.
_OUTCOME_SECONDS = 1.0


def mark_repair(observed: Observed) -> StageResult:
    pool = observed.pool
    if pool is None or observed.ownership is not Ownership.OWN or not _may_be_written(pool):
        return StageResult(done=True)
    lost = marks.lost_marks(pool, observed.claim, observed.cluster)
    if not lost:
        return StageResult(done=True)
    repair = observed.mark_repair
    if repair is not None and repair.applies(observed.now):
        remaining = (repair.not_before - observed.now).total_seconds()
        return StageResult(requeue_after_seconds=remaining + 1, done=True)
    actions: list[Action] = [*_events(observed, pool, lost), RepairMarks(pool.name)]
    return StageResult(None, tuple(actions), _OUTCOME_SECONDS, done=True)


def _may_be_written(pool: Pool) -> bool:
    """Return whether an update changes nothing but the marks: of a failed or stopped pool it would
    start the machine."""
    return pool.state is PoolState.SUCCEEDED and pool.running


def _is_of_kaito(pool: Pool) -> bool:
    return not marks.has_uid(pool) and labels.CREATION_TIMESTAMP in pool.labels


def _events(observed: Observed, pool: Pool, lost: Marks) -> tuple[EmitEvent, ...]:
    repair = observed.mark_repair
    attempts = 0 if repair is None else repair.attempts_at(observed.now)
    if attempts > 0 and repair is not None and repair.refusal:
        note = (
            f"agent pool {pool.name} has lost the {lost}, and they cannot be put back: "
            f"{repair.refusal}. The pool keeps its claim, and further attempts come at growing "
            "intervals"
        )
        return (EmitEvent("Warning", Reason.POOL_MARKS_LOST, note),)
    if attempts == 0 and _is_of_kaito(pool):
        note = (
            f"agent pool {pool.name} is this claim's and has no mark of {marks.MANAGER}, as pools "
            f"of KAITO's own have none: it gets the {lost}"
        )
        return (EmitEvent("Normal", Reason.POOL_ADOPTED, note),)
    if attempts == 0:
        note = f"agent pool {pool.name} has lost the {lost}, which are put back"
        return (EmitEvent("Warning", Reason.POOL_MARKS_LOST, note),)
    if attempts == 1:
        note = (
            f"agent pool {pool.name} has lost the {lost} again: if an Azure Policy removes them, "
            "exempt tags whose names start with kaito-. The pool keeps its claim, and the next "
            "attempts to put them back come at growing intervals"
        )
        return (EmitEvent("Warning", Reason.POOL_MARKS_LOST, note),)
    return ()
