"""The verb `why`."""

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


def why(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Say why a Workspace is not ready: cause, evidence, remedy, next command.

    Exit code 0: it is ready or on its way. 1: it is stuck, or the cause is not known.
    """
    from kubectl_kaito.observation import observe
    from kubectl_kaito.output import emit
    from kubectl_kaito.release import observe_release
    from kubectl_kaito.why.logs import read_logs
    from kubectl_kaito.why.table import table
    from kubectl_kaito.why.view import Verdict, explain

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    seen = observe(cluster, name, within, environment.now())
    view = explain(seen, observe_release(cluster), read_logs(cluster, seen))
    emit(view, output, environment.stdout, table)
    if view.verdict in (Verdict.FAILING, Verdict.UNKNOWN):
        raise typer.Exit(ExitCode.FAILING)
