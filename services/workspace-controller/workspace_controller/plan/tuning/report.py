"""What a run has reported so far: the status field `tuning`, and the same in a sentence."""

from typing import Any

from kaito_api.conditions import rfc3339
from kaito_kube.kinds import Manifest
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan.status.duration import duration

_GIB = 2**30


def run_report(observed: Observed) -> Manifest:
    """The run's last report, as the status keeps it; empty before the first.

    Only the training itself knows everything. While the model is loaded again after a restart, and
    while the adapter is pushed, what an earlier container of the same run reported still holds.
    """
    before: Manifest = observed.status.get("tuning") or {}
    if observed.run is None:
        return before
    now = _fields(observed.run)
    if now["state"] == "RUNNING" or before.get("startTime") != now.get("startTime"):
        return now
    return {**{key: value for key, value in before.items() if key != "endTime"}, **now}


def describe_report(report: Manifest, run: TuningRun | None) -> str:
    """How far the training is, how well it learns, and what it has lost; empty before it starts."""
    step, total = report.get("step"), report.get("totalSteps")
    if step is None or not total:
        return ""
    parts = [f"step {step}/{total} ({100 * step // total}%)"]
    for key, text in (
        ("epoch", "epoch {}"),
        ("loss", "loss {}"),
        ("evalLoss", "evaluation loss {}"),
        ("tokensPerSecond", "{} tokens/s"),
    ):
        if report.get(key) is not None:
            parts.append(text.format(report[key]))
    if run is not None and run.eta_seconds is not None:
        parts.append(f"{duration(run.eta_seconds)} left")
    if report.get("checkpointStep") is not None:
        parts.append(f"newest checkpoint at step {report['checkpointStep']}")
    lost = [
        f"{count} row{'s' if count > 1 else ''} {how}"
        for how in ("dropped", "cut")
        if (count := report.get(f"{how}Rows"))
    ]
    return "; ".join(", ".join(part) for part in (parts, lost) if part)


def describe_divergence(report: Manifest) -> str:
    """Since when the loss diverges, and what to do; empty if it does not."""
    found: Manifest | None = report.get("divergence")
    if found is None:
        return ""
    return (
        f"the loss diverges since step {found['step']}: the mean of the last losses was "
        f"{found['loss']}, the lowest {found['lowestLoss']}; {found['remedy']}"
    )


def _fields(run: TuningRun) -> Manifest:
    # Strings, because the API conventions of Kubernetes rule out floating-point fields.
    fields: dict[str, Any] = {
        "state": run.state,
        # An unknown total means that the training has not started, or not continued yet.
        "step": run.step if run.total_steps else None,
        "totalSteps": run.total_steps or None,
        "epoch": f"{run.epoch:.2f}" if run.total_steps else None,
        "loss": _number(run.loss),
        "learningRate": None if run.learning_rate is None else f"{run.learning_rate:.3g}",
        "evalLoss": _number(run.eval_loss),
        "evalStep": run.eval_step,
        "tokensPerSecond": f"{run.tokens_per_second:.0f}" if run.tokens_per_second else None,
        "resumedStep": run.resumed_step,
        "checkpointStep": run.checkpoint_step,
        "checkpointTime": rfc3339(run.checkpoint_time) if run.checkpoint_time else None,
        "divergence": _divergence(run),
        "droppedRows": run.dropped_rows,
        "cutRows": run.cut_rows,
        "gpuMemory": _gpu_memory(run),
        "startTime": rfc3339(run.started) if run.started else None,
        "endTime": rfc3339(run.ended) if run.ended else None,
    }
    return {key: value for key, value in fields.items() if value is not None}


def _divergence(run: TuningRun) -> Manifest | None:
    found = run.divergence
    if found is None:
        return None
    return {
        "step": found.step,
        "loss": f"{found.loss:.4f}",
        "lowestLoss": f"{found.lowest_loss:.4f}",
        "remedy": found.remedy,
    }


def _gpu_memory(run: TuningRun) -> str | None:
    peak, total = run.peak_gpu_memory_bytes, run.gpu_memory_bytes
    if peak is None or not total:
        return None
    return f"{peak / _GIB:.1f}Gi/{total / _GIB:.1f}Gi"


def _number(value: float | None) -> str | None:
    return None if value is None else f"{value:.4f}"
