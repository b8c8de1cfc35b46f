"""The verb `cost`."""

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.options import (
    AllNamespacesOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
)
from kubectl_kaito.scope import scope_of


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

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(
        context, choice, namespace, all_namespaces=all_namespaces
    )
    workspaces = list_workspaces(cluster, within)
    recorded = all(is_recorded(each) for each in workspaces)
    claims = [] if recorded else list_claims(cluster)
    found = view.cost(workspaces, claims, environment.now())
    emit(found, output, environment.stdout, table)
