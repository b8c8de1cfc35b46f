"""The verb `history`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.environment import environment_of
from kubectl_kaito.options import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
)


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

    environment = environment_of(context)
    cluster = environment.connect(ClusterChoice(kubeconfig, cluster_context))
    found = read_history(cluster, name, namespace or cluster.namespace, environment.now())
    emit(found, output, environment.stdout, table)
