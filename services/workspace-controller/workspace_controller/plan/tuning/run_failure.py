"""What is wrong with a run, where each of its pods may say something else."""

from collections.abc import Mapping
from datetime import datetime

from kaito_api.reasons import Reason
from kaito_kube.kinds import Manifest
from workspace_controller.plan.failure import Failure
from workspace_controller.plan.pods.failure import GracePeriod, pod_failure


def run_failure(pods: Mapping[str, Manifest], now: datetime) -> Failure | GracePeriod | None:
    """The failure of the pod that says most about it; None while none has failed.

    A pod whose training was stopped by that of another says less than the other.
    """
    found = [failure for _, pod in sorted(pods.items()) if (failure := pod_failure(pod, now))]
    return min(found, key=_rank, default=None)


def _rank(found: Failure | GracePeriod) -> int:
    if isinstance(found, GracePeriod):
        return 3
    if found.permanent:
        return 0
    return 2 if found.reason is Reason.TRAINING_STOPPED else 1
