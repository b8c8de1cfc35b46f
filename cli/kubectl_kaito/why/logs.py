"""Reads the logs that explain a failure."""

from kaito_kube.errors import Forbidden, NotFound
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.observation import Observation
from kubectl_kaito.why.evidence import LogRef, logs_to_read

_LINES = 20
# A Workspace of many nodes fails the same way on each.
_MAX_LOGS = 4


def read_logs(cluster: Cluster, seen: Observation) -> dict[LogRef, str]:
    """What can be read of them: a log that is gone or forbidden explains nothing.

    Raises:
        ClusterError: the cluster does not answer.
    """
    found = {}
    for ref in logs_to_read(seen)[:_MAX_LOGS]:
        try:
            found[ref] = cluster.log(ref.pod, ref.container, previous=ref.previous, lines=_LINES)
        except (NotFound, Forbidden):
            continue
    return found
