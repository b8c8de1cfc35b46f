"""The verb `history`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.options import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
)
from kubectl_kaito.scope import scope_of


def history(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show the configurations that a Workspace was served with, and what changed in each."""
    from kubectl_kaito.history.reading import read_history
    from kubectl_kaito.history.table import table
    from kubectl_kaito.output import emit

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    found = read_history(cluster, name, within, environment.now())
    emit(found, output, environment.stdout, table)
