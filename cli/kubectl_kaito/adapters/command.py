"""The verbs `adapters list`, `adapters add` and `adapters remove`."""

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

WorkspaceArgument = Annotated[str, typer.Argument(metavar="NAME", help="A Workspace that serves.")]
AdapterArgument = Annotated[
    str, typer.Argument(metavar="ADAPTER", help="The name that requests use.")
]


def list_adapters(
    context: typer.Context,
    name: WorkspaceArgument,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show the adapters of a Workspace: which answer, which do not, and why.

    Exit code 1: one of them is rejected.
    """
    from kubectl_kaito.adapters.table import table
    from kubectl_kaito.adapters.view import adapters_view
    from kubectl_kaito.exit_codes import ExitCode
    from kubectl_kaito.observation import read_workspace
    from kubectl_kaito.output import emit

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    view = adapters_view(read_workspace(cluster, name, within))
    emit(view, output, environment.stdout, table)
    if any(each.state == "Rejected" for each in view.adapters):
        raise typer.Exit(ExitCode.FAILING)


def add_adapter(
    context: typer.Context,
    name: WorkspaceArgument,
    adapter: AdapterArgument,
    image: Annotated[
        str | None, typer.Option(help="Image to pull: registry/repository:tag or @sha256:….")
    ] = None,
    workspace: Annotated[
        str | None, typer.Option(help="A Workspace that tunes: its newest adapter, also later.")
    ] = None,
    pull_secret: Annotated[
        list[str] | None, typer.Option(help="Secret that opens the registry; can be repeated.")
    ] = None,
    verification_secret: Annotated[
        str | None,
        typer.Option(help="Secret with cosign.pub: serve it only if one of these keys signed it."),
    ] = None,
    strength: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="From 0 to 1; by default 1.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="In the place of the adapter of that name.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until it answers or is rejected.")] = True,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Serve one more adapter; with a Secret for its image, no pod is replaced.

    Exit code 1: it is rejected.
    """
    from kaito_kube.kinds import Key
    from kubectl_kaito.adapters.changes import NewAdapter, added
    from kubectl_kaito.adapters.changing import change, report

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    key = Key(within, name)
    new = NewAdapter(
        name=adapter,
        image=image,
        workspace=workspace,
        pull_secrets=tuple(pull_secret or ()),
        strength=strength,
        verification_secret=verification_secret,
    )
    changed = change(cluster, key, lambda found: added(found, new, replace=replace))
    report(cluster, changed, key, adapter, environment, output, wait=wait)


def remove_adapter(
    context: typer.Context,
    name: WorkspaceArgument,
    adapter: AdapterArgument,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Serve an adapter no longer."""
    from kaito_kube.kinds import Key
    from kubectl_kaito.adapters.changes import removed
    from kubectl_kaito.adapters.changing import change, report

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    key = Key(within, name)
    changed = change(cluster, key, lambda found: removed(found, adapter))
    report(cluster, changed, key, adapter, environment, output, wait=False)


adapters = typer.Typer(
    name="adapters",
    help="List, add and remove the adapters of a Workspace, while it serves.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
adapters.command("list")(list_adapters)
adapters.command("add")(add_adapter)
adapters.command("remove")(remove_adapter)
