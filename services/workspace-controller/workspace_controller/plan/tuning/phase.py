"""The phase of a tuning run, read from its pod."""

from enum import Enum

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.tuning_job import FETCHER, PUSHER, TRAINER
from workspace_controller.plan.pods.status import container_state


class Phase(Enum):
    """The phase of a tuning run; the values are shown as progress. A model serves after DONE."""

    WAITING = "waiting"
    FETCHING = "fetching the dataset"
    TRAINING = "training"
    PUSHING = "pushing the adapter"
    DONE = "done"


def phase_of(pod: Manifest | None) -> Phase:
    """The phase of the last container that has started."""
    if pod is None:
        return Phase.WAITING
    order = ((PUSHER, Phase.PUSHING), (TRAINER, Phase.TRAINING), (FETCHER, Phase.FETCHING))
    for name, phase in order:
        if _has_started(container_state(pod, name)):
            return phase
    return Phase.WAITING


def _has_started(state: Manifest) -> bool:
    waiting = (state.get("waiting") or {}).get("reason")
    return "running" in state or "terminated" in state or waiting == "CrashLoopBackOff"
