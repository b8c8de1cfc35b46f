"""Follows a Workspace until it ends: prints its line whenever it changes."""

from collections.abc import Callable, Iterator

from kaito_kube.errors import Throttled, Unavailable
from kubectl_kaito.observation import Observation
from kubectl_kaito.status.view import WorkspaceDetail, has_ended, loss_of, workspace_detail

# The controller reads a training's progress every 3 seconds.
_PAUSE_SECONDS = 2.0
# A minute of an API server that is being upgraded.
_MAX_OUTAGES = 30


def follow(
    look: Callable[[], Observation], pause: Callable[[float], None]
) -> Iterator[WorkspaceDetail]:
    """The view at each change, and the last one when nothing more happens.

    Raises:
        ClusterError: the cluster does not answer for a minute, or refuses.
    """
    losses: list[float] = []
    shown: object = None
    outages = 0
    while True:
        try:
            seen = look()
        except (Unavailable, Throttled):
            outages += 1
            if outages > _MAX_OUTAGES:
                raise
            pause(_PAUSE_SECONDS)
            continue
        outages = 0
        loss = loss_of(seen.workspace)
        if loss is not None and losses[-1:] != [loss]:
            losses.append(loss)
        view = workspace_detail(seen, losses)
        if (now := _changes(view)) != shown:
            shown = now
            yield view
        if has_ended(view):
            return
        pause(_PAUSE_SECONDS)


def _changes(view: WorkspaceDetail) -> object:
    """What counts as a change: everything but ages."""
    row, run = view.workspace, view.tuning
    conditions = [(c.type, c.status, c.reason) for c in view.conditions]
    return (row.state, row.progress, row.nodes, run.step if run else None, conditions)
