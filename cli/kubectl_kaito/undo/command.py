"""The verb `undo`."""

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


def undo(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    to_revision: Annotated[
        int | None, typer.Option(min=1, help="As `history` shows it; by default the one before.")
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="Go on to the newest configuration again.")
    ] = False,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Serve an earlier configuration of a Workspace again, until the Workspace changes."""
    from kaito_api.labels import UNDO_TO_REVISION
    from kaito_kube.kinds import WORKSPACE
    from kubectl_kaito.errors import UsageError
    from kubectl_kaito.history.reading import read_history
    from kubectl_kaito.output import emit
    from kubectl_kaito.undo import view
    from kubectl_kaito.undo.table import table

    if end and to_revision is not None:
        raise UsageError("--end goes on to the newest configuration: leave --to-revision out")
    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    history = read_history(cluster, name, within, environment.now())
    found = view.end(history) if end else view.undo(history, to_revision)
    number = None if found.revision is None else str(found.revision)
    changes = {"metadata": {"annotations": {UNDO_TO_REVISION: number}}}
    cluster.patch(WORKSPACE, name, within, changes)
    emit(found, output, environment.stdout, table)
