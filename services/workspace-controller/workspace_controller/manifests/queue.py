"""Kueue's queue of a tuning Job: Kueue starts a Job that is created suspended once it admits it."""

from collections.abc import Mapping

from kaito_api import labels
from kaito_kube.kinds import Manifest, labels_of

# Kueue's own labels. Whoever names a queue may name a priority in it.
_PASSED_ON = (labels.QUEUE, labels.QUEUE_PRIORITY)
# The LocalQueue of Jobs that name none, in a namespace that has one of this name.
KUEUES_DEFAULT = "default"


def queue_labels(workspace: Manifest) -> Mapping[str, str]:
    """What the Job gets from the labels of its Workspace; empty where they name no queue."""
    has = labels_of(workspace)
    if not has.get(labels.QUEUE):
        return {}
    return {name: has[name] for name in _PASSED_ON if has.get(name)}


def is_suspended(job: Manifest) -> bool:
    return bool((job.get("spec") or {}).get("suspend"))


def queued(job: Manifest, wanted: Mapping[str, str]) -> Manifest:
    """The Job as it is created for a queue; unchanged where there is none."""
    if not wanted:
        return job
    metadata = {**job["metadata"], "labels": {**job["metadata"]["labels"], **wanted}}
    return {**job, "metadata": metadata, "spec": {**job["spec"], "suspend": True}}
