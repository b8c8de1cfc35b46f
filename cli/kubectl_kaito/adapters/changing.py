"""Writes a new list of adapters, and waits for what becomes of it."""

from collections.abc import Callable

import typer

from kaito_kube.errors import Conflict, Throttled, Unavailable
from kaito_kube.kinds import WORKSPACE, Key, Manifest
from kubectl_kaito.adapters.table import table
from kubectl_kaito.adapters.view import AdaptersView, AdapterView, adapters_view
from kubectl_kaito.cluster.cluster import Cluster
from kubectl_kaito.environment import Environment
from kubectl_kaito.exit_codes import ExitCode
from kubectl_kaito.observation import read_workspace
from kubectl_kaito.options import Output
from kubectl_kaito.output import emit

_PAUSE_SECONDS = 2.0
_MAX_OUTAGES = 30
# The controller writes the status now and then, so a few conflicts are ordinary.
_TRIES = 5


def change(cluster: Cluster, key: Key, decide: Callable[[Manifest], Manifest]) -> Manifest:
    """Decides on what is there, again where it has changed meanwhile; returns the Workspace.

    Raises:
        ClusterError: the cluster refuses it.
    """
    for _ in range(_TRIES - 1):
        workspace = read_workspace(cluster, key.name, key.namespace)
        try:
            return cluster.patch(WORKSPACE, key.name, key.namespace, decide(workspace))
        except Conflict:
            continue
    workspace = read_workspace(cluster, key.name, key.namespace)
    return cluster.patch(WORKSPACE, key.name, key.namespace, decide(workspace))


def report(
    cluster: Cluster,
    changed: Manifest,
    key: Key,
    adapter: str,
    environment: Environment,
    output: Output,
    *,
    wait: bool,
) -> None:
    """Raises:
    Exit: the adapter was rejected.
    """
    view = adapters_view(changed)
    if wait:
        view = _await(cluster, key, adapter, environment)
    emit(view, output, environment.stdout, table)
    found = _find(view, adapter)
    if found is not None and found.state == "Rejected":
        raise typer.Exit(ExitCode.FAILING)
    if found is not None and found.state == "Pending" and output is Output.TABLE:
        typer.echo(
            f"`kubectl kaito adapters list {key.name} -n {key.namespace}` follows.", err=True
        )


def _await(cluster: Cluster, key: Key, adapter: str, environment: Environment) -> AdaptersView:
    """Until it is no longer pending, or is gone, or the Workspace does not serve."""
    outages = 0
    while True:
        try:
            workspace = read_workspace(cluster, key.name, key.namespace)
            view, outages = adapters_view(workspace), 0
            found = _find(view, adapter)
            serves = (workspace.get("status") or {}).get("state") == "Ready"
            # Until it is observed, the state is that of what had the name before.
            done = view.observed and (found is None or found.state != "Pending")
            if done or not serves:
                return view
        except (Unavailable, Throttled):
            outages += 1
            if outages > _MAX_OUTAGES:
                raise
        environment.pause(_PAUSE_SECONDS)


def _find(view: AdaptersView, name: str) -> AdapterView | None:
    return next((each for each in view.adapters if each.name == name), None)
