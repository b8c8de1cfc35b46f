"""The verb `endpoint`."""

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


def endpoint(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show where a model answers, and how to reach it from here. Exit code 1: not ready."""
    from kaito_kube.errors import NotFound
    from kaito_kube.kinds import SERVICE
    from kubectl_kaito.endpoint import view
    from kubectl_kaito.endpoint.table import table
    from kubectl_kaito.errors import NotFoundError
    from kubectl_kaito.observation import read_workspace
    from kubectl_kaito.output import emit

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    workspace = read_workspace(cluster, name, within)
    try:
        service = cluster.get(SERVICE, name, within)
    except NotFound:
        raise NotFoundError(
            f"Workspace {within}/{name} has no Service yet: `kubectl kaito why {name} -n {within}`"
        ) from None
    found = view.endpoint(workspace, service)
    emit(found, output, environment.stdout, table)
    if not found.ready:
        raise typer.Exit(ExitCode.FAILING)
