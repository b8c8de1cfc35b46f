"""The adapter that a tuning run has produced."""

from dataclasses import dataclass

from kaito_api.workspace import Tuning
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.tuning_job import PUSHER
from workspace_controller.manifests.tuning_revision import adapter_revision
from workspace_controller.observed import Observed
from workspace_controller.plan.pods.status import container_state, termination_message
from workspace_controller.plan.tuning.job import has_condition, job_pods, makes_adapter


@dataclass(frozen=True, slots=True)
class TunedAdapter:
    """`image` is empty for an adapter in a volume.

    `digest` is empty where the pod that reported it was deleted before it was read.
    """

    image: str
    digest: str
    revision: str
    size_bytes: int | None = None

    @property
    def reference(self) -> str:
        """The image to pull, by digest where that is known; empty for an adapter in a volume."""
        if not self.digest:
            return self.image
        return f"{_without_tag(self.image)}@{self.digest}"

    @property
    def place(self) -> str:
        """Where the user finds the adapter."""
        return self.reference or "the volume of tuning.output"


def tuned_adapter(observed: Observed, tuning: Tuning) -> TunedAdapter | None:
    """The adapter of the current tuning spec; None while it is not produced yet.

    The status is asked first, because the Job and its pod can be deleted afterwards.
    """
    revision = adapter_revision(tuning)
    recorded = observed.status.get("adapter") or {}
    if recorded.get("revision") == revision:
        image, digest = recorded.get("image", ""), recorded.get("digest", "")
        return TunedAdapter(image, digest, revision, recorded.get("size"))
    if (adopted := observed.adopted_job) is not None and not recorded:
        # It has no revision. What it has pushed is recorded when it is first seen.
        complete = has_condition(adopted, "Complete")
        return TunedAdapter(tuning.output.image or "", "", revision) if complete else None
    job = observed.job
    if job is None or not makes_adapter(job, revision) or not has_condition(job, "Complete"):
        return None
    pods = job_pods(observed, job)
    report = next((report for pod in pods if (report := _push_report(pod))), {})
    image = str(report.get("image") or tuning.output.image or "")
    size = report.get("size")
    return TunedAdapter(
        image, str(report.get("digest") or ""), revision, size if isinstance(size, int) else None
    )


def _push_report(pod: Manifest) -> Manifest:
    """What the pusher reported when it succeeded; empty otherwise."""
    terminated = container_state(pod, PUSHER).get("terminated") or {}
    report = termination_message(terminated) if terminated.get("exitCode") == 0 else {}
    return report if report.get("digest") else {}


def _without_tag(image: str) -> str:
    name = image.split("@", 1)[0]
    # A colon before the last slash belongs to the registry's port.
    head, _, last = name.rpartition("/")
    return f"{head}/{last.split(':', 1)[0]}" if head else last.split(":", 1)[0]
