"""The verb `logs`."""

from typing import Annotated

import typer

from kubectl_kaito.cluster.cluster import ClusterChoice
from kubectl_kaito.options import ContextOption, KubeconfigOption, NamespaceOption
from kubectl_kaito.scope import scope_of


def logs(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A Workspace.")],
    container: Annotated[
        str | None, typer.Option("--container", "-c", help="By default the one that says most.")
    ] = None,
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of the run before the current one.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on, over restarts and new pods.")
    ] = False,
    tail: Annotated[int, typer.Option(min=1, help="Lines from the end.")] = 100,
    namespace: NamespaceOption = None,
    cluster_context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Print the log that says most: of a failed run, else of the container that runs."""
    from kaito_kube.kinds import Key
    from kubectl_kaito.errors import UsageError
    from kubectl_kaito.logs.choice import choose_log
    from kubectl_kaito.logs.running import print_following
    from kubectl_kaito.observation import observe

    if follow and previous:
        raise UsageError("--previous is a run that has ended: leave --follow out")
    choice = ClusterChoice(kubeconfig, cluster_context)
    environment, cluster, within = scope_of(context, choice, namespace)
    seen = observe(cluster, name, within, environment.now())
    ref = choose_log(seen, container, previous=previous)
    if follow:
        print_following(environment, cluster, Key(within, name), container, tail)
        return
    text = cluster.log(ref.pod, ref.container, previous=ref.previous, lines=tail)
    run = ", the run before" if ref.previous else ""
    typer.echo(f"pod {ref.pod.name}, container {ref.container}{run}:", err=True)
    environment.stdout.write(text if text.endswith("\n") or not text else f"{text}\n")
