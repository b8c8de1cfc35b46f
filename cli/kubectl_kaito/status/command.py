"""The verb `status`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.exit_codes import ExitCode
from kubectl_kaito.options import (
    AllNamespacesOption,
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
)
from kubectl_kaito.scope import scope_of


def status(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A Workspace; without, all of them.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Follow it until it is ready or has failed.")
    ] = False,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show how far Workspaces are and what they cost. Exit code 1: the named one has failed."""
    from kubectl_kaito.errors import UsageError
    from kubectl_kaito.observation import Observation, list_workspaces, observe
    from kubectl_kaito.output import emit
    from kubectl_kaito.status import table, view

    if name is None and watch:
        raise UsageError("--watch follows one Workspace: name it")
    if name is not None and all_namespaces:
        raise UsageError("--all-namespaces lists Workspaces: leave the name out, or use -n")
    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(
        context, choice, namespace, all_namespaces=all_namespaces
    )
    if name is None:
        found = view.workspace_list(list_workspaces(cluster, within), environment.now())
        emit(
            found,
            output,
            environment.stdout,
            lambda seen: table.list_table(seen, namespaced=all_namespaces),
        )
        return
    wanted = name

    def look() -> Observation:
        return observe(cluster, wanted, within, environment.now())

    if watch:
        from kubectl_kaito.status import live

        last = live.show(look, environment, output)
    else:
        last = view.workspace_detail(look())
        emit(last, output, environment.stdout, table.detail_table)
    if view.is_failing(last):
        raise typer.Exit(ExitCode.FAILING)
