"""Finds what KAITO's own controller created for a Workspace before this one took over.

It makes the Workspace the owner of its objects and gives them the Workspace's name. Its
StatefulSet has no labels, so no informer sees it, and is read where KAITO may have left one.
"""

from kaito_api import labels
from kaito_kube.cluster import Cluster
from kaito_kube.errors import NotFound
from kaito_kube.kinds import DEPLOYMENT, STATEFUL_SET, Manifest, labels_of
from workspace_controller.manifests.metadata import Owner, belongs_to
from workspace_controller.observed import AdoptedWorkload, Observed

# KAITO before 0.8 served with a Deployment.
_KINDS = (STATEFUL_SET, DEPLOYMENT)


def is_kaitos(manifest: Manifest, owner: Owner) -> bool:
    """Whether KAITO created the Workspace's object: each of this controller's has a role."""
    return belongs_to(manifest, owner) and labels.ROLE not in labels_of(manifest)


async def adopted_workload(cluster: Cluster, seen: Observed) -> AdoptedWorkload | None:
    """KAITO's workload of the Workspace; None where this controller's own exists.

    Raises:
        ClusterError: the API server could not be asked.
    """
    if seen.workload is not None or not _was_reconciled_by_kaito(seen):
        return None
    owner = seen.owner
    for kind in _KINDS:
        try:
            found = await cluster.get(kind, owner.name, owner.namespace)
        except NotFound:
            continue
        if is_kaitos(found, owner):
            return AdoptedWorkload(kind, found)
    return None


def _was_reconciled_by_kaito(seen: Observed) -> bool:
    """By the annotation that KAITO writes, or its pods: a Workspace without either costs no call.

    Versions before 0.4 write no annotation.
    """
    pods = (pod for pod in seen.pods if labels.ROLE not in labels_of(pod))
    return labels.KAITO_HASH in seen.annotations or any(pods)
