"""Shows a Workspace while it changes: redrawn in a terminal, a line a change elsewhere."""

from collections.abc import Callable

from rich.console import Console, Group
from rich.live import Live

from kubectl_kaito.environment import Environment
from kubectl_kaito.observation import Observation
from kubectl_kaito.options import Output
from kubectl_kaito.output import emit
from kubectl_kaito.status import table
from kubectl_kaito.status.view import WorkspaceDetail
from kubectl_kaito.status.watch import follow
from kubectl_kaito.words import age


def show(
    look: Callable[[], Observation], environment: Environment, output: Output
) -> WorkspaceDetail:
    """Follows until nothing more happens; returns the last view.

    Raises:
        ClusterError: the cluster is away for long, or refuses.
    """
    changes = follow(look, environment.pause)
    last = next(changes)
    if output is Output.TABLE and environment.stdout.isatty():
        console = Console(file=environment.stdout, highlight=False, markup=False, emoji=False)
        with Live(_group(last), console=console, auto_refresh=False) as live:
            for last in changes:
                live.update(_group(last), refresh=True)
        return last
    _print(last, environment, output)
    for last in changes:
        _print(last, environment, output)
    return last


def _group(view: WorkspaceDetail) -> Group:
    return Group(*table.detail_table(view))


def _print(view: WorkspaceDetail, environment: Environment, output: Output) -> None:
    if output is not Output.TABLE:
        emit(view, output, environment.stdout, table.detail_table)
        return
    row = view.workspace
    seconds = age(row.age_seconds or 0)
    progress = row.progress or (view.blocking.message if view.blocking else "")
    environment.stdout.write(f"{seconds:<8}{row.state:<14}{progress}\n")
    environment.stdout.flush()
