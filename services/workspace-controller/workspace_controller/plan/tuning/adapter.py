"""The adapter that a tuning run has produced."""

from dataclasses import dataclass

from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.tuning_job import PUSHER, adapter_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.pods.status import container_state, termination_message
from workspace_controller.plan.tuning.job import job_pods, job_says, makes_adapter


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


def tuned_adapter(observed: Observed, tuning: Tuning) -> TunedAdapter | None:
    """The adapter of the present tuning: as recorded, or as the Job that succeeded left it."""
    revision = adapter_revision(tuning)
    recorded = observed.status.get("adapter") or {}
    if recorded.get("revision") == revision:
        return TunedAdapter(
            recorded.get("image", ""), recorded.get("digest", ""), revision, recorded.get("size")
        )
    if (
        observed.job is None
        or not makes_adapter(observed.job, revision)
        or not job_says(observed.job, "Complete")
    ):
        return None
    words = next((w for pod in job_pods(observed, observed.job) if (w := _pushed(pod))), {})
    image = str(words.get("image") or tuning.output.image or "")
    size = words.get("size")
    return TunedAdapter(
        image, str(words.get("digest") or ""), revision, size if isinstance(size, int) else None
    )


def _pushed(pod: Manifest) -> Manifest:
    ended = container_state(pod, PUSHER).get("terminated") or {}
    words = termination_message(ended) if ended.get("exitCode") == 0 else {}
    return words if words.get("digest") else {}


def _without_tag(image: str) -> str:
    name = image.split("@", 1)[0]
    head, _, last = name.rpartition("/")
    return f"{head}/{last.split(':', 1)[0]}" if head else last.split(":", 1)[0]
