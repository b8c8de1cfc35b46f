"""The tuning Job: when it is made, made anew, and what it has come to."""

from dataclasses import dataclass
from enum import Enum

from kaito_api import labels, reasons
from kaito_api.conditions import Condition, false, true, unknown
from kaito_api.workspace import Tuning, WorkspaceSpec
from kaito_kube.kinds import CONFIG_MAP, JOB, Manifest, is_being_deleted
from workspace_controller.manifests.metadata import revision_of
from workspace_controller.manifests.tuning_job import (
    FETCHER,
    PUSHER,
    TRAINER,
    TuningPod,
    adapter_revision,
    config_map,
    job,
    job_revision,
)
from workspace_controller.observed import Observed, TuningRun
from workspace_controller.plan import pods
from workspace_controller.plan.models import model_source
from workspace_controller.plan.nodes import Nodes, placing
from workspace_controller.plan.plan import Apply, Create, Delete, Step, soonest
from workspace_controller.plan.pods import Trouble


class Phase(Enum):
    """Where a tuning is. Only DONE lets a model be served."""

    WAITING = "waiting"
    FETCHING = "fetching the data set"
    TRAINING = "training"
    PUSHING = "pushing the adapter"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class TunedAdapter:
    """What a run ended with. `digest` is empty where the pod that knew it is gone; `image` is
    empty where the adapter lies in a volume."""

    image: str
    digest: str
    revision: str
    size: int | None = None

    @property
    def reference(self) -> str:
        """What to pull: by digest where that is known."""
        if not self.digest:
            return self.image
        return f"{_without_tag(self.image)}@{self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningState:
    steps: tuple[Step, ...] = ()
    phase: Phase
    job_started: Condition
    succeeded: Condition
    adapter: TunedAdapter | None = None
    run: TuningRun | None = None
    failed: bool = False
    requeue_after: float | None = None


def decide_tuning(o: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: Nodes) -> TuningState:
    adapter = tuned_adapter(o, tuning)
    if adapter is not None:
        return _done(adapter)
    steps = _steps(o, spec, tuning, nodes)
    if o.job is None or not _is_current(o, tuning) or is_being_deleted(o.job):
        return _waiting(steps, nodes)
    return _running(o, o.job, steps)


def tuned_adapter(o: Observed, tuning: Tuning) -> TunedAdapter | None:
    """The adapter of the present tuning: as recorded, or as the Job that succeeded left it."""
    revision = adapter_revision(tuning)
    recorded = o.status.get("adapter") or {}
    if recorded.get("revision") == revision:
        return TunedAdapter(
            recorded.get("image", ""), recorded.get("digest", ""), revision, recorded.get("size")
        )
    if o.job is None or not _makes(o.job, revision) or not _job_says(o.job, "Complete"):
        return None
    words = next((w for pod in _job_pods(o, o.job) if (w := _pushed(pod))), {})
    image = str(words.get("image") or tuning.output.image or "")
    size = words.get("size")
    return TunedAdapter(
        image, str(words.get("digest") or ""), revision, size if isinstance(size, int) else None
    )


def wants_progress(o: Observed) -> Manifest | None:
    """The pod to ask how far it is: trainer or pusher run in it, and it has an address."""
    if o.job is None:
        return None
    for pod in _job_pods(o, o.job):
        works = any("running" in pods.container_state(pod, name) for name in (TRAINER, PUSHER))
        if works and (pod.get("status") or {}).get("podIP"):
            return pod
    return None


def _makes(owner: Manifest, revision: str) -> bool:
    """Whether the Job makes, or made, that adapter."""
    return revision_of(owner).split("-", 1)[0] == revision


def _is_current(o: Observed, tuning: Tuning) -> bool:
    """A configuration that cannot be read now changes nothing of what runs."""
    if o.job is None or not _makes(o.job, adapter_revision(tuning)):
        return False
    if o.file is None or o.file.text is None:
        return True
    return revision_of(o.job) == job_revision(tuning, o.file.text)


def _steps(o: Observed, spec: WorkspaceSpec, tuning: Tuning, nodes: Nodes) -> tuple[Step, ...]:
    if o.job is not None:
        stale = not _is_current(o, tuning) and not is_being_deleted(o.job)
        return (Delete(JOB, o.owner.name, o.owner.namespace),) if stale else ()
    source = model_source(o, tuning.preset)
    if not nodes.ready or source is None or o.file is None or o.file.text is None:
        return ()
    made = TuningPod(
        owner=o.owner,
        tuning=tuning,
        model=source,
        config=o.file.text,
        placing=placing(o, spec),
        settings=o.settings,
    )
    text = config_map(o.owner, o.file.text)
    return (Apply(CONFIG_MAP, text, known=False), Create(JOB, job(made)))


def _done(adapter: TunedAdapter) -> TuningState:
    message = f"adapter {adapter.reference or 'in its volume'}"
    return TuningState(
        phase=Phase.DONE,
        job_started=true(reasons.JOB_STARTED, "TuningSucceeded", message),
        succeeded=true(reasons.TUNING_SUCCEEDED, "TuningSucceeded", message),
        adapter=adapter,
    )


def _waiting(steps: tuple[Step, ...], nodes: Nodes) -> TuningState:
    message = "the training pod is being made" if nodes.ready else "waiting for the node"
    return TuningState(
        steps=steps,
        phase=Phase.WAITING,
        job_started=unknown(reasons.JOB_STARTED, "TuningPending", message),
        succeeded=unknown(reasons.TUNING_SUCCEEDED, "TuningPending", message),
    )


def _running(o: Observed, running: Manifest, steps: tuple[Step, ...]) -> TuningState:
    found = _job_pods(o, running)
    pod = found[0] if found else None
    trouble = pods.trouble(pod, o.now) if pod is not None else None
    phase = _phase(pod)
    again = trouble.again_seconds if trouble is not None else None
    if phase in (Phase.TRAINING, Phase.PUSHING):
        again = soonest(again, o.settings.progress_seconds)
    told = trouble if isinstance(trouble, Trouble) else _job_failure(running)
    return TuningState(
        steps=steps,
        phase=phase,
        job_started=_job_started(phase, told),
        succeeded=_succeeded(phase, told),
        run=o.run,
        failed=told is not None and told.permanent,
        requeue_after=again,
    )


def _phase(pod: Manifest | None) -> Phase:
    if pod is None:
        return Phase.WAITING
    order = ((PUSHER, Phase.PUSHING), (TRAINER, Phase.TRAINING), (FETCHER, Phase.FETCHING))
    for name, phase in order:
        if _began(pods.container_state(pod, name)):
            return phase
    return Phase.WAITING


def _began(state: Manifest) -> bool:
    waiting = (state.get("waiting") or {}).get("reason")
    return "running" in state or "terminated" in state or waiting == "CrashLoopBackOff"


def _job_started(phase: Phase, trouble: Trouble | None) -> Condition:
    if phase is not Phase.WAITING:
        return true(reasons.JOB_STARTED, "TuningRunning", phase.value)
    if trouble is not None:
        return false(reasons.JOB_STARTED, trouble.reason, trouble.message)
    return unknown(reasons.JOB_STARTED, "TuningPending", "the training pod is being started")


def _succeeded(phase: Phase, trouble: Trouble | None) -> Condition:
    if trouble is not None:
        return false(reasons.TUNING_SUCCEEDED, trouble.reason, trouble.message)
    reason = "TuningPending" if phase is Phase.WAITING else "TuningRunning"
    return unknown(reasons.TUNING_SUCCEEDED, reason, phase.value)


def _job_pods(o: Observed, owner: Manifest) -> list[Manifest]:
    """The Job's own pods, newest first; those of a Job before it are not."""
    uid = owner["metadata"].get("uid")
    return [
        pod
        for pod in pods.pods_with_role(o.pods, "tuning", labels.ROLE)
        if any(r.get("uid") == uid for r in pod["metadata"].get("ownerReferences") or ())
    ]


def _pushed(pod: Manifest) -> Manifest:
    ended = pods.container_state(pod, PUSHER).get("terminated") or {}
    words = pods.last_words(ended) if ended.get("exitCode") == 0 else {}
    return words if words.get("digest") else {}


def _job_says(owner: Manifest, type_: str) -> bool:
    conditions = (owner.get("status") or {}).get("conditions") or ()
    return any(c.get("type") == type_ and c.get("status") == "True" for c in conditions)


def _job_failure(owner: Manifest) -> Trouble | None:
    for condition in (owner.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            message = condition.get("message") or "the Job failed"
            return Trouble("TrainingFailed", str(message), permanent=True)
    return None


def _without_tag(image: str) -> str:
    name = image.split("@", 1)[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.split(':', 1)[0]}" if head else last.split(":", 1)[0]
