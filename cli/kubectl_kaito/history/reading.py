"""Reads the recorded configurations of a Workspace."""

from datetime import datetime

from kaito_api import labels
from kaito_kube.kinds import CONTROLLER_REVISION
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.history.view import HistoryView, history
from kubectl_kaito.observation import read_workspace


def read_history(cluster: Cluster, name: str, namespace: str, now: datetime) -> HistoryView:
    """Raises:
    NotFoundError: there is no such Workspace.
    ClusterError: you may not read them, or the cluster does not answer.
    """
    workspace = read_workspace(cluster, name, namespace)
    own = {labels.WORKSPACE: name, labels.WORKSPACE_NAMESPACE: namespace}
    return history(
        workspace, cluster.list(CONTROLLER_REVISION, namespace=namespace, labels=own), now
    )
