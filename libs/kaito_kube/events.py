"""Kubernetes events about an object, one per distinct fact: the same fact again says nothing."""

import hashlib
import logging
from dataclasses import dataclass, field

from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, ClusterError
from kaito_kube.kinds import EVENT, Kind, Manifest

logger = logging.getLogger(__name__)
MAX_NOTE = 1024
_REMEMBERED = 4096


@dataclass
class EventRecorder:
    """`controller` is the reporting component, `instance` this replica of it."""

    cluster: Cluster
    clock: Clock
    controller: str
    instance: str
    _told: dict[str, None] = field(default_factory=dict)

    async def record(
        self, kind: Kind, about: Manifest, warning: bool, reason: str, note: str
    ) -> None:
        """Tells it once; an API server that refuses events stops nothing."""
        event = self._event(kind, about, warning, reason, note[:MAX_NOTE])
        name = event["metadata"]["name"]
        if name in self._told:
            return
        try:
            await self.cluster.create(EVENT, event)
        except AlreadyExists:
            pass
        except ClusterError as error:
            logger.warning("event %s was not recorded: %s", reason, error)
            return
        self._told[name] = None
        while len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    def _event(
        self, kind: Kind, about: Manifest, warning: bool, reason: str, note: str
    ) -> Manifest:
        metadata = about["metadata"]
        fact = "\0".join((metadata["uid"], reason, note))
        digest = hashlib.sha256(fact.encode()).hexdigest()[:16]
        namespace = metadata.get("namespace") or "default"
        return {
            "metadata": {"name": f"{metadata['name']}.{digest}", "namespace": namespace},
            "eventTime": self.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": "Warning" if warning else "Normal",
            "reason": reason,
            "action": "Reconcile",
            "note": note,
            "reportingController": self.controller,
            "reportingInstance": self.instance,
            "regarding": {
                "apiVersion": kind.api_version,
                "kind": kind.kind,
                "name": metadata["name"],
                "namespace": metadata.get("namespace", ""),
                "uid": metadata["uid"],
            },
        }
