"""The verb `cost`."""

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.environment import environment_of
from kubectl_kaito.options import (
    AllNamespacesOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
)


def cost(
    context: typer.Context,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show what the machines of Workspaces cost an hour, and have cost so far."""
    from kubectl_kaito.cost import view
    from kubectl_kaito.cost.table import table
    from kubectl_kaito.observation import list_claims, list_workspaces
    from kubectl_kaito.output import emit
    from kubectl_kaito.spending import is_recorded

    environment = environment_of(context)
    cluster = environment.connect(ClusterChoice(kubeconfig, cluster_context))
    within = "" if all_namespaces else namespace or cluster.namespace
    workspaces = list_workspaces(cluster, within)
    recorded = all(is_recorded(each) for each in workspaces)
    claims = [] if recorded else list_claims(cluster)
    found = view.cost(workspaces, claims, environment.now())
    emit(found, output, environment.stdout, table)
