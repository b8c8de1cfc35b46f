"""Which configuration to go back to. Pure."""

from pydantic import Field

from kubectl_kaito.errors import UsageError
from kubectl_kaito.history.view import HistoryView, RevisionView
from kubectl_kaito.output import View


class UndoView(View):
    namespace: str
    name: str
    before: int | None = Field(description="The revision that was served; null: not known.")
    revision: int | None = Field(description="The one to go back to; null: the newest again.")
    change: str | None = Field(description="What that revision changed, when it was new.")


def undo(history: HistoryView, wanted: int | None) -> UndoView:
    """Back to the revision `wanted`, or to the one before the served one.

    Raises:
        UsageError: there is no such revision, or an annotation without effect names it.
    """
    served = next((each.revision for each in history.revisions if each.served), None)
    target = _target(history, wanted, served)
    if target.revision == history.ended_at:
        # To set an annotation to what it is already is no change that anybody sees.
        raise UsageError(
            f"an undo to revision {target.revision} has ended with a change of the Workspace, and "
            f"its annotation is still there: run `kubectl kaito undo {history.name} -n "
            f"{history.namespace} --end` first, and then this again"
        )
    return UndoView(
        namespace=history.namespace,
        name=history.name,
        before=served,
        revision=target.revision,
        change=target.change,
    )


def end(history: HistoryView) -> UndoView:
    """Back to what Workspace and release make now."""
    served = next((each.revision for each in history.revisions if each.served), None)
    return UndoView(
        namespace=history.namespace, name=history.name, before=served, revision=None, change=None
    )


def _target(history: HistoryView, wanted: int | None, served: int | None) -> RevisionView:
    by_number = {each.revision: each for each in history.revisions}
    numbers = ", ".join(map(str, by_number)) or "none"
    if wanted is not None:
        if wanted not in by_number:
            raise UsageError(f"--to-revision {wanted} is not recorded: {numbers}")
        return by_number[wanted]
    earlier = [number for number in by_number if served is not None and number < served]
    if not earlier:
        raise UsageError(
            f"no revision before the served one is recorded: recorded are {numbers}; name one with "
            "--to-revision"
        )
    return by_number[max(earlier)]
