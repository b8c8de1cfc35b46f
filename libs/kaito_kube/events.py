"""Kubernetes events about an object. Recording the same fact again is a no-op."""

import hashlib
import logging
from dataclasses import dataclass, field

from kaito_kube.clock import Clock
from kaito_kube.cluster import Cluster
from kaito_kube.errors import AlreadyExists, ClusterError
from kaito_kube.kinds import EVENT, Kind, Manifest

logger = logging.getLogger(__name__)

# The API server rejects longer notes in events.k8s.io/v1.
MAX_NOTE = 1024
# Bounds the memory. A fact that drops out is sent again, and its deterministic name makes the API
# server answer AlreadyExists.
_MAX_RECORDED = 4096


@dataclass
class EventRecorder:
    """`controller` is the reporting component, `instance` this replica of it."""

    cluster: Cluster
    clock: Clock
    controller: str
    instance: str
    # A dict in place of a set: it keeps the order, so that the oldest entries drop out.
    _recorded: dict[str, None] = field(default_factory=dict)

    async def record(
        self, kind: Kind, about: Manifest, warning: bool, reason: str, note: str
    ) -> None:
        """Creates the event unless it exists. A failure is logged: events block no work."""
        event = self._event(kind, about, warning, reason, note[:MAX_NOTE])
        name = event["metadata"]["name"]
        if name in self._recorded:
            return
        try:
            await self.cluster.create(EVENT, event)
        except AlreadyExists:
            pass
        except ClusterError as error:
            logger.warning("cannot record the event %s: %s", reason, error)
            return
        self._recorded[name] = None
        while len(self._recorded) > _MAX_RECORDED:
            del self._recorded[next(iter(self._recorded))]

    def _event(
        self, kind: Kind, about: Manifest, warning: bool, reason: str, note: str
    ) -> Manifest:
        metadata = about["metadata"]
        # The name identifies object, reason and note, so that all replicas and restarts agree.
        fact = "\0".join((metadata["uid"], reason, note))
        digest = hashlib.sha256(fact.encode()).hexdigest()[:16]
        # Events about cluster-scoped objects go to "default", as from client-go's recorder.
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
