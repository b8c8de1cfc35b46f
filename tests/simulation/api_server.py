"""The API server: the one FakeCluster that everybody shares, its past, and its watches."""

from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kaito_kube.cluster import Listing
from kaito_kube.errors import Expired
from kaito_kube.fake import Event, FakeCluster
from kaito_kube.kinds import Kind, Manifest
from tests.simulation.stage import Stage

Value = TypeVar("Value")

_REMEMBERED = 120.0


class ApiServer:
    def __init__(self, stage: Stage) -> None:
        self.cluster = FakeCluster(stage.clock)
        self._stage = stage
        self._items: dict[Kind, dict[str, Manifest]] = defaultdict(dict)
        self._past: dict[Kind, deque[tuple[float, Listing]]] = defaultdict(deque)
        self.cluster.listen(self._remember)

    def find(self, kind: Kind, name: str, namespace: str = "") -> Manifest | None:
        """What is stored: to be looked at, not to be changed."""
        return self._items[kind].get(f"{namespace}/{name}")

    def all(self, kind: Kind) -> list[Manifest]:
        """To be looked at, not to be changed."""
        return list(self._items[kind].values())

    def listing(self, kind: Kind, age: float) -> Listing:
        """Everything of that kind as it was so many seconds ago, whole and consistent."""
        wanted = self._stage.now - age
        found = Listing((), "0")
        for moment, listing in self._past[kind]:
            if moment > wanted:
                break
            found = listing
        return found

    def changes(self, kind: Kind, version: str) -> list[Event]:
        """What a watch from there begins with. Raises Expired."""
        past = self._past[kind]
        if past and int(version) < int(past[0][1].resource_version) and past[0][0] > 0:
            raise Expired("too old resource version")
        return list(self.cluster.since(kind, int(version)))

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        return self.cluster.listen(listener)

    def _remember(self, event: Event) -> None:
        """Stored manifests are never changed in place, so that a snapshot costs one tuple."""
        items, metadata = self._items[event.kind], event.change.manifest["metadata"]
        place = f"{metadata.get('namespace', '')}/{metadata['name']}"
        if event.change.type == "DELETED":
            items.pop(place, None)
        else:
            items[place] = event.change.manifest
        past = self._past[event.kind]
        past.append((self._stage.now, Listing(tuple(items.values()), str(event.version))))
        while len(past) > 2 and past[1][0] < self._stage.now - _REMEMBERED:
            past.popleft()


def at_once(call: Coroutine[Any, Any, Value]) -> Value:
    """The result of a coroutine that waits for nothing, as those of the fakes do."""
    try:
        call.send(None)
    except StopIteration as done:
        value: Value = done.value
        return value
    call.close()
    raise AssertionError("the call waits for something")
