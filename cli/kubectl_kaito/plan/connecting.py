"""Connects where there is a cluster: a plan has a fit and prices without one."""

from kaito_kube.errors import Unavailable
from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.environment import Environment


def connect_if_possible(
    environment: Environment, choice: ClusterChoice, *, required: bool
) -> Cluster | None:
    """None where there is none, unless it is `required` or the user names it.

    Raises:
        Unavailable: it cannot be reached.
    """
    named = choice.context is not None or choice.kubeconfig is not None
    try:
        return environment.connect(choice)
    except Unavailable:
        if required or named:
            raise
        return None
