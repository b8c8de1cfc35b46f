"""The verb `plan`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.environment import environment_of
from kubectl_kaito.exit_codes import ExitCode
from kubectl_kaito.options import (
    ContextOption,
    KubeconfigOption,
    NamespaceOption,
    Output,
    OutputOption,
    SubscriptionOption,
)


def plan(
    context: typer.Context,
    file: Annotated[
        str | None, typer.Option("--filename", "-f", help="A Workspace's manifest; - for stdin.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="A preset or a model of the hub.")] = None,
    tune: Annotated[
        str | None, typer.Option(help="A dataset to tune the model on: a file, or a URL.")
    ] = None,
    max_price: Annotated[
        float | None, typer.Option(min=0.0, help="US dollars per hour, of all nodes together.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="Azure region; by default that of gpu-provisioner.")
    ] = None,
    subscription: SubscriptionOption = None,
    recorded_prices: Annotated[
        bool, typer.Option("--recorded-prices", help="Do not ask Azure's price list.")
    ] = False,
    apply: Annotated[
        bool, typer.Option("--apply", help="Apply the Workspace; needs a cluster.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the Workspace to apply; by default the model's.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every instance type.")] = False,
    namespace: NamespaceOption = None,
    output: OutputOption = Output.TABLE,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show where a model fits and what it costs, cheapest first, before anything is requested.

    Exit code 1: nothing fits, or not the instance type that the file names.
    """
    from kubectl_kaito.dataset.reading import read_dataset
    from kubectl_kaito.errors import UsageError
    from kubectl_kaito.output import emit
    from kubectl_kaito.plan import applying
    from kubectl_kaito.plan.connecting import connect_if_possible
    from kubectl_kaito.plan.gather import PlanRequest, gather
    from kubectl_kaito.plan.manifests import read
    from kubectl_kaito.plan.table import table
    from kubectl_kaito.plan.view import plan as make_plan

    if (file is None) == (model is None):
        raise UsageError("name either a file with -f or a preset with --model")
    if name is not None and model is None:
        raise UsageError("--name is for --model: the file has a name already")
    if tune is not None and model is None:
        raise UsageError("--tune is for --model: the file says what it tunes")
    if tune is not None and apply:
        raise UsageError("--apply is for serving: `kubectl kaito tune` applies a tuning")
    environment = environment_of(context)
    given = (
        read(file)
        if file is not None
        else applying.workspace_for(str(model), name, environment.hub, tunes=tune is not None)
    )
    dataset = read_dataset(tune, given, environment) if tune is not None else None
    choice = ClusterChoice(kubeconfig, cluster_context)
    cluster = connect_if_possible(environment, choice, required=apply)
    within = applying.namespace_of(given, namespace, cluster)
    request = PlanRequest(
        given=given,
        namespace=within,
        max_price=max_price,
        region=region,
        recorded_prices=recorded_prices,
        subscription=subscription,
        dataset=dataset,
    )
    view = make_plan(
        gather(cluster, environment.prices(), request, environment.hub, environment.quotas)
    )
    possible = bool(view.offers) and view.requested_fits is not False
    if apply and possible and cluster is not None:
        view = applying.apply(cluster, given, within, view, max_price)
    emit(view, output, environment.stdout, lambda seen: table(seen, everything=everything))
    if not possible:
        raise typer.Exit(ExitCode.FAILING)
