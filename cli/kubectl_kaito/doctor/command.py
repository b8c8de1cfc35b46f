"""The verb `doctor`."""

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


def doctor(
    context: typer.Context,
    namespace: NamespaceOption = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Write a support archive to this file, without secrets (.tar.gz)."
        ),
    ] = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Check whether the cluster is ready: CRDs, controller, leader, webhook, GPUs, DNS, rights.

    Exit code 1: a check has failed.
    """
    from kubectl_kaito.doctor import view
    from kubectl_kaito.doctor.bundle import archive
    from kubectl_kaito.doctor.collect import collect
    from kubectl_kaito.doctor.health import read_health
    from kubectl_kaito.doctor.table import table
    from kubectl_kaito.files import write
    from kubectl_kaito.output import emit

    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    health = read_health(cluster, environment.prices(), within, environment.now())
    found = view.report(health)
    emit(found, output, environment.stdout, table)
    if bundle is not None:
        write(bundle, archive(collect(cluster, health, found), environment.now()))
        typer.echo(f"{bundle} written: look through it before you send it.", err=True)
    if view.has_failed(found):
        raise typer.Exit(ExitCode.FAILING)
