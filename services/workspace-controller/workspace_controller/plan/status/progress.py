"""How far a Workspace is: its state, progress and remaining time."""

from kaito_api.blocking import IN_PROGRESS
from kaito_api.reasons import Reason
from kaito_api.status import State
from workspace_controller.observed import Observed
from workspace_controller.plan.serving.start.download import download_progress
from workspace_controller.plan.status.duration import duration
from workspace_controller.plan.subplans import Subplans
from workspace_controller.plan.tuning.phase import Phase
from workspace_controller.plan.tuning.run import TuningPlan

# Progress by the state that TuningService reports.
_RUN_STATES = {
    "LOADING": "loading the base model",
    "PREPARING": "reading the dataset",
    "PUSHING": Phase.PUSHING.value,
}
_SERVING: dict[str, str] = {
    Reason.INFERENCE_PENDING: "starting the model's pod",
    Reason.MODEL_LOADING: "loading the model",
}
# A model that served before is NotReady while it starts again, and not Loading.
_SERVED_BEFORE = (State.READY, State.NOT_READY)


def state_of(observed: Observed, subplans: Subplans) -> State:
    if subplans.ready:
        return State.READY
    if subplans.done:
        return State.SUCCEEDED
    if subplans.failed:
        return State.FAILED
    if subplans.nodes.queued:
        return State.QUEUED
    if subplans.holds_nodes:
        return State.PENDING
    tuning = subplans.tuning
    if tuning is not None and tuning.phase is Phase.PUSHING:
        return State.PUSHING
    if tuning is not None and tuning.phase in (Phase.FETCHING, Phase.TRAINING):
        return State.TUNING
    if observed.workload is not None and (tuning is None or tuning.phase is Phase.DONE):
        served = observed.status.get("state") in _SERVED_BEFORE
        return State.NOT_READY if served else State.LOADING
    return State.PROVISIONING if not subplans.nodes.ready else State.PENDING


def progress_of(observed: Observed, subplans: Subplans) -> str | None:
    """What happens now, in a few words; None once the model answers or where a failure says it."""
    if subplans.ready:
        return None
    if subplans.check is not None and subplans.check.holds_nodes:
        return None if subplans.check.failure is not None else "checking the data"
    tuning, nodes = subplans.tuning, subplans.nodes
    if nodes.withheld or nodes.queued:
        return None
    if not nodes.ready and (tuning is None or tuning.phase is Phase.WAITING):
        return f"nodes {len(nodes.usable)}/{nodes.target}"
    if tuning is None or tuning.phase is Phase.DONE:
        if _downloads(observed, subplans) and observed.download is not None:
            return download_progress(observed.download)
        return _SERVING.get(subplans.serving.condition.reason) if subplans.serving else None
    return _run_progress(tuning)


def eta_of(observed: Observed, subplans: Subplans) -> str | None:
    """The remaining time of the training or of the download; None while it is not known."""
    download, tuning = observed.download, subplans.tuning
    if download is not None and download.has_rest and _downloads(observed, subplans):
        return duration(download.remaining_seconds or 0.0)
    run = tuning.run if tuning is not None else None
    if run is None or run.eta_seconds is None or run.state != "RUNNING":
        return None
    return duration(run.eta_seconds)


def _downloads(observed: Observed, subplans: Subplans) -> bool:
    """Whether a model that does not answer yet is being downloaded."""
    serving = subplans.serving
    return (
        observed.download is not None
        and serving is not None
        and serving.condition.reason == Reason.MODEL_LOADING
    )


def _run_progress(tuning: TuningPlan) -> str | None:
    run = tuning.run
    if tuning.succeeded.reason not in IN_PROGRESS:
        return None
    if tuning.phase is Phase.WAITING:
        return "starting the training pod"
    if tuning.phase is not Phase.TRAINING or run is None:
        return str(tuning.phase.value)
    if run.state == "RUNNING" and run.total_steps > 0:
        percent = 100 * run.step // run.total_steps
        diverging = ", diverging" if "divergence" in tuning.report else ""
        return f"step {run.step}/{run.total_steps} ({percent}%){diverging}"
    return _RUN_STATES.get(run.state, str(tuning.phase.value))
