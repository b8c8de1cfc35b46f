"""Where a verb looks: the cluster and the namespace that its options name."""

from typing import NamedTuple

import typer

from kubectl_kaito.cluster.cluster import Cluster, ClusterChoice
from kubectl_kaito.environment import Environment, environment_of


class Scope(NamedTuple):
    """A namespace of a cluster; an empty one stands for all of them."""

    environment: Environment
    cluster: Cluster
    namespace: str


def scope_of(
    context: typer.Context,
    choice: ClusterChoice,
    namespace: str | None,
    *,
    all_namespaces: bool = False,
) -> Scope:
    """Connects. Without an option, the namespace is that of the context, as for kubectl.

    Raises:
        ClusterError: there is no such cluster, or its credentials do not work.
    """
    environment = environment_of(context)
    cluster = environment.connect(choice)
    return Scope(environment, cluster, "" if all_namespaces else namespace or cluster.namespace)
