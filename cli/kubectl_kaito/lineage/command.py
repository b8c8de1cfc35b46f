"""The verb `lineage`."""

from pathlib import Path
from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.exit_codes import ExitCode
from kubectl_kaito.options import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
)
from kubectl_kaito.scope import scope_of


def lineage(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    key: Annotated[
        Path | None,
        typer.Option(
            help="Public keys that signatures are verified with (cosign.pub); by default those of "
            "the Secrets that the Workspace names."
        ),
    ] = None,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show where the adapters of a Workspace come from: image, signature, training, data, model.

    Exit code 1: not every adapter's signature is verified.
    """
    from kubectl_kaito.lineage import view
    from kubectl_kaito.lineage.gather import gather
    from kubectl_kaito.lineage.key_file import read_key
    from kubectl_kaito.lineage.table import table
    from kubectl_kaito.observation import read_workspace
    from kubectl_kaito.output import emit

    own = read_key(key) if key is not None else None
    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    workspace = read_workspace(cluster, name, within)
    seen = view.lineage(workspace, gather(cluster, workspace, environment.registries(), own))
    emit(seen, output, environment.stdout, table)
    if not view.is_proven(seen):
        raise typer.Exit(ExitCode.FAILING)
