"""The Job that checks the data and the output of a tuning run on a node that costs no GPU."""

from collections.abc import Sequence

from kaito_api import labels
from kaito_kube.kinds import Manifest
from workspace_controller.manifests.access_secret import access_secret
from workspace_controller.manifests.metadata import Owner, metadata, with_revision
from workspace_controller.manifests.pods import Files, empty_dir, restricted_pod
from workspace_controller.manifests.spread import FIRST_INDEX, NODE_RANK
from workspace_controller.manifests.tuning_job import (
    CONFIG_MOUNT,
    POD_UID,
    TuningPod,
    config_volume,
    data_files,
    phase_container,
    push_access,
)
from workspace_controller.manifests.tuning_revision import job_revision

DATA_CHECKER, PUSH_CHECKER = "data-checker", "push-checker"
# The kubelet restarts a check that failed, five minutes apart at most, for as long as the Workspace
# waits for its data: the largest number of restarts that the API accepts.
_BACKOFF_LIMIT = 2**31 - 1
# What the check writes besides the data itself.
_SCRATCH_BYTES = 2**30


def data_check_name(owner: Owner) -> str:
    """With a dot, which the name of a Workspace cannot have: no other Workspace needs this name."""
    return f"{owner.name}.data-check"


def data_check(pod: TuningPod) -> Manifest:
    """The Job, with the revision of the tuning Job whose input and output it checks.

    It has no deadline of its own, because a Job that exceeds one deletes its pod, and with it the
    report.
    """
    role = metadata(pod.owner, data_check_name(pod.owner), "data-check")
    return with_revision(
        {
            "metadata": role,
            "spec": {
                "backoffLimit": _BACKOFF_LIMIT,
                "template": {"metadata": {"labels": role["labels"]}, "spec": _pod_spec(pod)},
            },
        },
        job_revision(pod.tuning, pod.config),
    )


def _pod_spec(pod: TuningPod) -> Manifest:
    data, access = data_files(pod.tuning.input), access_secret(pod.tuning.input)
    secret = push_access(pod.tuning.output)
    checkers = [_data_checker(pod, (*data.mounts, *access.mounts))]
    if pod.tuning.output.image:
        checkers.append(_push_checker(pod, secret))
    return {
        **restricted_pod(pod.tuning.input.image_pull_secrets),
        # What the tuner's image is built for.
        "nodeSelector": {labels.OPERATING_SYSTEM: "linux", labels.ARCH: "amd64"},
        # The kubelet restarts a failed container in the same pod, which keeps what was fetched.
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 5,
        "containers": checkers,
        "volumes": [
            *data.volumes,
            *access.volumes,
            *secret.volumes,
            config_volume(pod.owner),
            empty_dir("tmp"),
        ],
    }


def _data_checker(pod: TuningPod, mounts: Sequence[Manifest]) -> Manifest:
    """The command of the data-fetcher, with fewer resources: the settings' are for training."""
    files = Files(mounts=(*mounts, CONFIG_MOUNT), env=(POD_UID, *_rank(pod)))
    checker = phase_container(pod, DATA_CHECKER, "fetch", files)
    disk = str(pod.settings.max_data_bytes + _SCRATCH_BYTES)
    return {
        **checker,
        "resources": {
            "requests": {"cpu": "100m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
            "limits": {"memory": "2Gi", "ephemeral-storage": disk},
        },
    }


def _rank(pod: TuningPod) -> tuple[Manifest, ...]:
    """The check stands for the first of several nodes."""
    return ({"name": NODE_RANK, "value": FIRST_INDEX},) if pod.spread.nodes > 1 else ()


def _push_checker(pod: TuningPod, secret: Files) -> Manifest:
    """Beside the data-checker, and like the pusher the only container that sees the push secret."""
    checker = phase_container(
        pod, PUSH_CHECKER, "check-push", Files(mounts=secret.mounts, env=_rank(pod))
    )
    return {
        **checker,
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi", "ephemeral-storage": "1Mi"},
            "limits": {"memory": "512Mi", "ephemeral-storage": "64Mi"},
        },
    }
