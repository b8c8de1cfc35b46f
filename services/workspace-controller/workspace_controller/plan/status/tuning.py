"""The status fields `tuning` and `adapter`."""

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.spread import spread_of
from workspace_controller.observed import Observed
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.run import TuningPlan


def tuning_status(observed: Observed, tuning: TuningPlan | None) -> Manifest | None:
    """What the run reports; what it reported last while it does not answer."""
    if tuning is None or tuning.phase is Phase.WAITING:
        return None
    before: Manifest | None = observed.status.get("tuning")
    if tuning.phase is Phase.DONE:
        return {**before, "state": "SUCCEEDED"} if before else None
    shared = _processes(observed)
    return {**tuning.report, **shared} or None


def _processes(observed: Observed) -> Manifest:
    """One is not worth a word."""
    processes = spread_of(observed.job).size if observed.job is not None else 1
    return {"processes": processes} if processes > 1 else {}


def adapter_status(tuning: TuningPlan | None) -> Manifest | None:
    adapter = tuning.adapter if tuning is not None else None
    if adapter is None:
        return None
    status: Manifest = {
        "image": adapter.image,
        "digest": adapter.digest,
        "revision": adapter.revision,
    }
    return {**status, "size": adapter.size_bytes} if adapter.size_bytes is not None else status
