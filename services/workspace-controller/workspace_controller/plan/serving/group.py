"""The pods that serve one model together, and which of them lost the first.

vLLM's engines of several nodes find each other once, when they start. When the first starts again,
the others keep waiting for the one that is gone, so their pods are replaced.
"""

from datetime import datetime

from kaito_api import labels
from kaito_api.conditions import parse_time
from kaito_kube.kinds import POD, Manifest, is_being_deleted
from workspace_controller.manifests.engine import ENGINE
from workspace_controller.observed import Observed
from workspace_controller.plan.plan import Delete
from workspace_controller.plan.pods.status import containers, pods_with_role


def pods_without_leader(observed: Observed) -> tuple[Delete, ...]:
    """Deletes the pods whose engine has started before the first pod's engine started again."""
    if observed.stateful_set is None:
        return ()
    first = f"{observed.owner.name}-0"
    pods = {
        str(pod["metadata"]["name"]): pod
        for pod in pods_with_role(observed.pods, "inference", labels.ROLE)
        if not is_being_deleted(pod)
    }
    leader = pods.pop(first, None)
    since = _engine_started(leader) if leader is not None else None
    if leader is None or since is None:
        return ()
    return tuple(
        Delete(POD, name, observed.owner.namespace)
        for name, pod in sorted(pods.items())
        if (started := _engine_started(pod)) is not None
        and started < since
        and (_has_restarted(leader) or _is_newer(leader, started))
    )


def _engine(pod: Manifest) -> Manifest:
    return next((each for each in containers(pod) if each.get("name") == ENGINE), {})


def _has_restarted(pod: Manifest) -> bool:
    return bool(_engine(pod).get("restartCount"))


def _engine_started(pod: Manifest) -> datetime | None:
    """When the engine that runs now started; None while none runs."""
    running = (_engine(pod).get("state") or {}).get("running") or {}
    return _time(running.get("startedAt"))


def _is_newer(pod: Manifest, moment: datetime) -> bool:
    """Whether the pod was created after the moment, and so has replaced another."""
    created = _time(pod["metadata"].get("creationTimestamp"))
    return created is not None and created > moment


def _time(text: object) -> datetime | None:
    try:
        return parse_time(str(text)) if text else None
    except ValueError:
        return None
