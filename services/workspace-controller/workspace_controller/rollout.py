"""Which Workspace is being updated to a new configuration of the release, and which ones wait.

The workloads' marks and the Workspaces' statuses record it. What a pass has decided counts from
that moment, not only once the store shows it: two concurrent passes must not both take the turn.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kaito_api import condition_types
from kaito_api.conditions import find
from kaito_api.reasons import Reason
from kaito_kube.kinds import (
    DEPLOYMENT,
    STATEFUL_SET,
    WORKSPACE,
    Key,
    Kind,
    Manifest,
    is_being_deleted,
    key_of,
)
from kaito_kube.store import Store
from workspace_controller.observed import OngoingUpdate
from workspace_controller.plan.plan import Turn
from workspace_controller.plan.serving.updates.update import is_marked
from workspace_controller.plan.serving.workload_state import WorkloadState, workload_state

_KINDS = (DEPLOYMENT, STATEFUL_SET)


class Rollout:
    """An index of the marked workloads in a store, and the turns of the passes in flight.

    Remembers nothing that a restart would lose: a new leader rebuilds the index before its first
    pass, and that pass is over every Workspace.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._marked: set[Key] = set()
        self._taken: set[Key] = set()
        self._waiting: set[Key] = set()
        self._seen: dict[Key, bool] = {}
        self._listeners: list[Callable[[Key], None]] = []
        store.add_listener(self._changed)

    def add_listener(self, listener: Callable[[Key], None]) -> None:
        """`listener` gets each waiting Workspace whose turn may have come, or that can say more."""
        self._listeners.append(listener)

    def other_update(self, key: Key) -> OngoingUpdate | None:
        """The update of another Workspace; a failed one before one that is under way."""
        others = [OngoingUpdate(k, failed) for k, failed in self._seen.items() if k != key]
        return min(others, key=lambda update: (not update.failed, update.workspace), default=None)

    @contextmanager
    def turn(self, key: Key, turn: Turn | None) -> Iterator[None]:
        """Registers what the pass has decided, in the same step as it was decided.

        A turn that is taken stays taken if the pass fails, since its write may have arrived. The
        next pass of the Workspace, or the store, corrects it.
        """
        (self._waiting.add if turn is Turn.WAITS else self._waiting.discard)(key)
        (self._taken.add if turn is Turn.TAKES else self._taken.discard)(key)
        self._notify()
        try:
            yield
        finally:
            self._taken -= self._marked
            self._notify()

    def give_back(self, key: Key) -> None:
        """The API server has refused the update."""
        self._taken.discard(key)
        self._notify()

    def _changed(self, kind: Kind, manifest: Manifest) -> None:
        key = key_of(manifest)
        if kind in _KINDS:
            self._index(key)
        elif kind is WORKSPACE:
            if self._store.get(WORKSPACE, key) is None:
                self._taken.discard(key)
                self._waiting.discard(key)
        else:
            return
        self._notify()

    def _index(self, key: Key) -> None:
        """A workload has the name of its Workspace."""
        present = [self._store.get(kind, key) for kind in _KINDS]
        if any(_is_updating(workload) for workload in present if workload is not None):
            self._marked.add(key)
            self._taken.discard(key)
        else:
            self._marked.discard(key)

    def _notify(self) -> None:
        """Reports waiting Workspaces when an update ends, fails, or recovers."""
        now = {key: self._has_failed(key) for key in self._marked | self._taken if self._has(key)}
        before, self._seen = self._seen, now
        ended = before.keys() - now.keys()
        if ended or any(now[key] != before.get(key, False) for key in now):
            for key in sorted(self._waiting):
                for listener in self._listeners:
                    listener(key)

    def _has(self, key: Key) -> bool:
        return self._store.get(WORKSPACE, key) is not None

    def _has_failed(self, key: Key) -> bool:
        workspace = self._store.get(WORKSPACE, key) or {}
        conditions = (workspace.get("status") or {}).get("conditions") or ()
        found = find(conditions, condition_types.INFERENCE_READY) or {}
        return bool(found.get("reason") == Reason.UPDATE_FAILED)


def _is_updating(workload: Manifest) -> bool:
    """Whether it is marked and not ready. A pass takes the mark off, but that of a Workspace which
    became invalid meanwhile does not, and others must not wait for it."""
    complete = workload_state(workload, failing=False) is WorkloadState.COMPLETE
    return is_marked(workload) and not complete and not is_being_deleted(workload)
