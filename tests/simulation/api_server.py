"""The simulated API server: a shared FakeCluster with its history and its watches."""

from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kaito_kube.cluster import Listing
from kaito_kube.errors import Expired
from kaito_kube.fake import Event, FakeCluster
from kaito_kube.kinds import Kind, Manifest
from tests.simulation.simulation import Simulation

Value = TypeVar("Value")

_HISTORY_SECONDS = 120.0


class ApiServer:
    """`on_eviction` checks the budget of a pod, and raises where it forbids the eviction."""

    def __init__(self, sim: Simulation) -> None:
        self.cluster = FakeCluster(sim.clock)
        self.on_eviction: Callable[[str], None] = lambda _: None
        # The process whose apply took effect last.
        self.applied_by: object = None
        self._sim = sim
        self._items: dict[Kind, dict[str, Manifest]] = defaultdict(dict)
        self._past: dict[Kind, deque[tuple[float, Listing]]] = defaultdict(deque)
        self.cluster.listen(self._remember)

    def find(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        """The stored object; do not modify it."""
        return self._items[kind].get(f"{namespace}/{name}")

    def all(self, kind: Kind) -> list[Manifest]:
        """All stored objects of a kind; do not modify them."""
        return list(self._items[kind].values())

    def listing(self, kind: Kind, age: float) -> Listing:
        """A consistent list of all objects of a kind, `age` seconds ago."""
        cutoff = self._sim.now - age
        found = Listing((), "0")
        for moment, listing in self._past[kind]:
            if moment > cutoff:
                break
            found = listing
        return found

    def changes(self, kind: Kind, version: str) -> list[Event]:
        """The events since a resource version.

        Raises:
            Expired: the history does not go back that far.
        """
        past = self._past[kind]
        if past and int(version) < int(past[0][1].resource_version) and past[0][0] > 0:
            raise Expired("too old resource version")
        return list(self.cluster.since(kind, int(version)))

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self.cluster.listen(listener)

    def _remember(self, event: Event) -> None:
        """Record a snapshot. Stored manifests are never modified, so it costs only one tuple."""
        items, metadata = self._items[event.kind], event.change.manifest["metadata"]
        place = f"{metadata.get('namespace', '')}/{metadata['name']}"
        if event.change.type == "DELETED":
            items.pop(place, None)
        else:
            items[place] = event.change.manifest
        past = self._past[event.kind]
        past.append((self._sim.now, Listing(tuple(items.values()), str(event.version))))
        while len(past) > 2 and past[1][0] < self._sim.now - _HISTORY_SECONDS:
            past.popleft()


def run_sync(call: Coroutine[Any, Any, Value]) -> Value:
    """The result of a coroutine that never waits, like those of the fakes."""
    try:
        call.send(None)
    except StopIteration as done:
        value: Value = done.value
        return value
    call.close()
    raise AssertionError("the call waits for something")
