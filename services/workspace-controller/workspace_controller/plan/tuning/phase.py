"""The phase of a tuning run, read from its pod."""

from collections.abc import Mapping
from enum import Enum

from kaito_kube.kinds import Manifest
from workspace_controller.manifests.spread import FIRST_INDEX
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


def phase_of_nodes(pods: Mapping[str, Manifest], nodes: int) -> Phase:
    """That of the node which is least far: the others wait for it, until the first one pushes."""
    phases = [phase_of(pod) for pod in pods.values()]
    if phase_of(pods.get(FIRST_INDEX)) is Phase.PUSHING:
        return Phase.PUSHING
    return Phase.WAITING if len(phases) < nodes else min(phases, key=list(Phase).index)


def _has_started(state: Manifest) -> bool:
    waiting = (state.get("waiting") or {}).get("reason")
    return "running" in state or "terminated" in state or waiting == "CrashLoopBackOff"
