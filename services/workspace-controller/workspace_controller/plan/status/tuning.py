"""The status fields `tuning` and `adapter`."""

from typing import Any

from kaito_api.conditions import rfc3339
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan.tuning.run import Phase, TuningPlan


def tuning_status(observed: Observed, tuning: TuningPlan | None) -> Manifest | None:
    """What the run reports; what it reported last while it does not answer."""
    if tuning is None or tuning.phase is Phase.WAITING:
        return None
    before: Manifest | None = observed.status.get("tuning")
    if tuning.phase is Phase.DONE:
        return {**before, "state": "SUCCEEDED"} if before else None
    return _run_status(tuning.run) if tuning.run is not None else before


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


def _run_status(run: TuningRun) -> Manifest:
    # Strings, because the API conventions of Kubernetes rule out floating-point fields.
    status: dict[str, Any] = {
        "state": run.state,
        "step": run.step,
        "totalSteps": run.total_steps or None,
        "epoch": f"{run.epoch:.2f}",
        "loss": None if run.loss is None else f"{run.loss:.4f}",
        "learningRate": None if run.learning_rate is None else f"{run.learning_rate:.3g}",
        "tokensPerSecond": f"{run.tokens_per_second:.0f}" if run.tokens_per_second else None,
        "checkpointStep": run.checkpoint_step,
        "startTime": rfc3339(run.started) if run.started else None,
        "endTime": rfc3339(run.ended) if run.ended else None,
    }
    return {key: value for key, value in status.items() if value is not None}
