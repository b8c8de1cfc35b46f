"""Warns about pools that garbage collection leaves alone, once for as long as nothing changes."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from gpu_provisioner.agent_pools import marks
from gpu_provisioner.cloud.pools import Pool
from gpu_provisioner.lifecycle import garbage_collection
from gpu_provisioner.lifecycle.garbage_collection import Snapshot

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class PoolReports:
    """Remembers the last warning of each sort."""

    _last: dict[str, str] = field(default_factory=dict)

    def report(self, snapshot: Snapshot) -> None:
        foreign = garbage_collection.foreign_pools(snapshot)
        clusters = sorted({marks.tag(pool, marks.CLUSTER_TAG) for pool in foreign})
        self._warn(
            "foreign",
            f"agent pools {_names(foreign)} were created for the cluster {', '.join(clusters)}, "
            f"and this is {snapshot.cluster}: they are left alone. Check azureClusterName",
            applies=bool(foreign),
        )
        unmarked = garbage_collection.unmarked_pools(snapshot)
        self._warn(
            "unmarked",
            f"agent pools {_names(unmarked)} of KAITO's own gpu-provisioner have no claim and are "
            "left alone: delete them with az aks nodepool delete if nobody needs them",
            applies=bool(unmarked),
        )
        kinds = ", ".join(sorted(snapshot.unlisted_kinds))
        self._warn(
            "unlisted",
            f"the cluster does not serve {kinds}, so pools whose claim may be of that kind are "
            "left alone. Install its CRD, or set absentClaimKinds (machines, nodeclaims) if the "
            "cluster never has any",
            applies=bool(kinds),
        )

    def _warn(self, sort: str, message: str, *, applies: bool) -> None:
        text = message if applies else ""
        if text and text != self._last.get(sort):
            logger.warning("%s", text)
        self._last[sort] = text


def _names(pools: Iterable[Pool]) -> str:
    return ", ".join(sorted(pool.name for pool in pools))
