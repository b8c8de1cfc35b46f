"""Why a Job or StatefulSet has no pods: only events say so. A Deployment has a condition for it."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from kaito_api.conditions import parse_time
from kaito_kube.cluster import Cluster
from kaito_kube.kinds import CORE_EVENT, Manifest
from workspace_controller.observed import Observed

# Kubernetes' controllers try again after 17 minutes at the latest, and record each try.
_MAX_AGE = timedelta(minutes=20)


async def forbidden_pods(cluster: Cluster, seen: Observed) -> Mapping[str, str]:
    """The API server's newest message for each Job and StatefulSet that lacks pods, by its uid.

    Raises:
        ClusterError: the events could not be listed.
    """
    owners = controllers_without_pods(seen)
    messages = await asyncio.gather(*(_message(cluster, owner, seen.now) for owner in owners))
    uids = (str(owner["metadata"]["uid"]) for owner in owners)
    return {uid: message for uid, message in zip(uids, messages, strict=True) if message}


def controllers_without_pods(seen: Observed) -> list[Manifest]:
    """The Jobs without a pod that have not ended, and the StatefulSet with too few."""
    jobs = [job for job in (seen.data_check, seen.job) if job is not None and not _ended(job)]
    found = [job for job in jobs if not _pods_of(seen, job)]
    if (workload := seen.stateful_set) is not None:
        replicas = (workload.get("spec") or {}).get("replicas") or 0
        if _pods_of(seen, workload) < replicas:
            found.append(workload)
    return found


async def _message(cluster: Cluster, owner: Manifest, now: datetime) -> str:
    metadata = owner["metadata"]
    listing = await cluster.list(
        CORE_EVENT,
        namespace=metadata["namespace"],
        fields={"involvedObject.uid": metadata["uid"], "reason": "FailedCreate"},
    )
    return newest_message(listing.items, now)


def newest_message(events: Iterable[Manifest], now: datetime) -> str:
    """The message of the last event, without the prefix that the controller puts before it."""
    recent = [(time, e) for e in events if (time := _time(e)) and now - time < _MAX_AGE]
    if not recent:
        return ""
    message = str(max(recent, key=lambda each: each[0])[1].get("message") or "")
    # "Error creating: ..." of a Job, "create Pod ws-0 in StatefulSet ws failed error: ...".
    for prefix in ("Error creating: ", " failed error: "):
        message = message.partition(prefix)[2] or message
    return message


def _time(event: Manifest) -> datetime | None:
    """When it was seen last, in whichever field its reporter uses."""
    series = (event.get("series") or {}).get("lastObservedTime")
    metadata = event["metadata"]
    text = series or event.get("lastTimestamp") or event.get("eventTime")
    try:
        return parse_time(str(text or metadata.get("creationTimestamp")))
    except ValueError:
        return None


def _ended(job: Manifest) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c.get("type") in ("Complete", "Failed") for c in conditions)


def _pods_of(seen: Observed, owner: Manifest) -> int:
    uid = owner["metadata"].get("uid")
    return sum(
        any(reference.get("uid") == uid for reference in references)
        for references in (pod["metadata"].get("ownerReferences") or () for pod in seen.pods)
    )
