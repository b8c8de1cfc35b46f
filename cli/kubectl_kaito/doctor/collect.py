"""Reads what a support archive holds, as far as the user may."""

from collections.abc import Sequence

from kaito_api import labels
from kaito_kube.errors import ClusterError, Forbidden, NotFound
from kaito_kube.kinds import (
    CORE_EVENT,
    DEPLOYMENT,
    NODE,
    POD,
    VALIDATING_WEBHOOK,
    WORKSPACE,
    Kind,
    Manifest,
    key_of,
    labels_of,
)
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.doctor.bundle import Bundle
from kubectl_kaito.doctor.health import Health
from kubectl_kaito.doctor.view import Report
from kubectl_kaito.observation import CLAIM_KINDS

_PART_OF = {"app.kubernetes.io/part-of": "kaito"}
_LOG_LINES = 1000
# Events of a busy cluster are many, and the newest say most.
_MAX_EVENTS = 2000
_MAX_LOGS = 60


def collect(cluster: Cluster, health: Health, report: Report) -> Bundle:
    """Objects of Kaito and of its Workspaces, and the logs of their pods. No Secret is read.

    Raises:
        ClusterError: the cluster does not answer.
    """
    unread: list[str] = []

    def read(kind: Kind, selector: dict[str, str] | None = None) -> list[Manifest]:
        try:
            return list(cluster.list(kind, labels=selector))
        except NotFound:
            return []
        except Forbidden:
            unread.append(kind.plural)
            return []

    pods = [pod for pod in read(POD) if _is_ours(pod)]
    events = sorted(read(CORE_EVENT), key=_last_seen)[-_MAX_EVENTS:]
    objects: dict[str, list[Manifest]] = {
        "workspaces": read(WORKSPACE),
        "claims": [claim for kind in CLAIM_KINDS for claim in read(kind)],
        "deployments": read(DEPLOYMENT, _PART_OF),
        "leases": [health.release.lease] if health.release.lease is not None else [],
        "webhooks": [w for w in read(VALIDATING_WEBHOOK) if "kaito" in key_of(w).name],
        "crds": [_without_schema(crd) for crd in _crds(health)],
        "nodes": read(NODE),
        "pods": pods,
        "events": events,
    }
    return Bundle(
        findings=report.model_dump(by_alias=True, mode="json"),
        version=health.version,
        objects=objects,
        logs=_logs(cluster, pods, unread),
        unread=tuple(dict.fromkeys(unread)),
    )


def _is_ours(pod: Manifest) -> bool:
    own = labels_of(pod)
    return labels.WORKSPACE in own or own.get("app.kubernetes.io/part-of") == "kaito"


def _crds(health: Health) -> list[Manifest]:
    groups = (labels.GROUP, labels.KARPENTER_GROUP)
    return [crd for name, crd in (health.crds or {}).items() if name.partition(".")[2] in groups]


def _without_schema(crd: Manifest) -> Manifest:
    """Names and versions: schemas are long, and those of a release are known."""
    spec = crd.get("spec") or {}
    versions = [
        {key: value for key, value in version.items() if key != "schema"}
        for version in spec.get("versions") or ()
    ]
    return {**crd, "spec": {**spec, "versions": versions}}


def _logs(cluster: Cluster, pods: Sequence[Manifest], unread: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pod in pods:
        spec = pod.get("spec") or {}
        containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
        for container in containers:
            for previous in (False, True):
                if len(found) >= _MAX_LOGS:
                    unread.append(f"logs beyond the first {_MAX_LOGS}")
                    return found
                key, name = key_of(pod), str(container.get("name"))
                try:
                    text = cluster.log(key, name, previous=previous, lines=_LOG_LINES)
                except ClusterError as error:
                    unread.append(f"log of {key}/{name}: {type(error).__name__}")
                    break
                if text:
                    run = ".previous" if previous else ""
                    found[f"{key.namespace}/{key.name}/{name}{run}"] = text
    return found


def _last_seen(event: Manifest) -> str:
    created = (event.get("metadata") or {}).get("creationTimestamp")
    return str(event.get("lastTimestamp") or event.get("eventTime") or created or "")
