"""Which Workspace uses a node that was created for none."""

import pytest

from kaito_kube.kinds import WORKSPACE, Key, Manifest
from kaito_kube.store import Store
from tests.workspace_controller.given import NAMESPACE, inference_workspace
from workspace_controller.node_reservations import NodeReservations

FREE = ("free",)


def using(name: str, created: str, *nodes: str, deleted: bool = False) -> Manifest:
    metadata = {"creationTimestamp": created, "uid": name}
    if deleted:
        metadata["deletionTimestamp"] = "now"
    return inference_workspace(name, metadata=metadata, status={"workerNodes": list(nodes)})


def known(*workspaces: Manifest) -> tuple[Store, NodeReservations]:
    store = Store()
    reservations = NodeReservations(store)
    for workspace in workspaces:
        store.upsert(WORKSPACE, workspace)
    return store, reservations


@pytest.mark.parametrize(
    ("mine", "other", "held"),
    [
        (using("ws", "2"), using("other", "1", "free"), True),
        (using("ws", "1"), using("other", "2", "free"), True),
        (using("ws", "2", "free"), using("other", "1", "free"), True),
        (using("ws", "1", "free"), using("other", "2", "free"), False),
        (using("ws", "2"), using("other", "1", "free", deleted=True), False),
        (using("ws", "2"), using("other", "1", "another"), False),
        (using("a", "1", "free"), using("b", "1", "free"), False),
        (using("b", "1", "free"), using("a", "1", "free"), True),
        (using("ws", "2", "free"), using("other", "1", "free", deleted=True), False),
    ],
    ids=[
        "older has it",
        "younger has it",
        "both, and it is older",
        "both, and I am older",
        "it is being deleted",
        "it has another",
        "both at the same second, and I come first",
        "both at the same second, and it comes first",
        "both, and the older is being deleted",
    ],
)
def test_older_workspace_keeps_a_node_that_two_use(
    mine: Manifest, other: Manifest, held: bool
) -> None:
    _, reservations = known(mine, other)
    assert bool(reservations.reserved_by_others(mine, FREE)) is held


def test_reservation_counts_before_the_status_is_written() -> None:
    mine, other = using("ws", "1"), using("other", "2")
    _, reservations = known(mine, other)
    with reservations.reserve(Key(NAMESPACE, "other"), FREE):
        assert reservations.reserved_by_others(mine, FREE) == {"free"}
        assert reservations.reserved_by_others(other, FREE) == set()
    assert reservations.reserved_by_others(mine, FREE) == set()


def test_deleted_or_changed_workspace_frees_its_node() -> None:
    mine = using("ws", "2")
    store, reservations = known(mine, using("one", "1", "free"), using("two", "1", "free"))
    store.upsert(WORKSPACE, using("one", "1"))
    assert reservations.reserved_by_others(mine, FREE) == {"free"}
    store.remove(WORKSPACE, Key(NAMESPACE, "two"))
    assert reservations.reserved_by_others(mine, FREE) == set()


def test_failed_pass_frees_its_reservation() -> None:
    mine = using("ws", "1")
    _, reservations = known(mine, using("other", "2"))
    with pytest.raises(RuntimeError), reservations.reserve(Key(NAMESPACE, "other"), FREE):
        raise RuntimeError("no answer")
    assert reservations.reserved_by_others(mine, FREE) == set()


def test_reservation_survives_older_statuses() -> None:
    mine = using("ws", "1")
    store, reservations = known(mine, using("other", "2", "old"))
    with reservations.reserve(Key(NAMESPACE, "other"), FREE):
        store.upsert(WORKSPACE, using("other", "2"))
        assert reservations.reserved_by_others(mine, ("free", "old")) == {"free"}
        store.upsert(WORKSPACE, using("other", "2", "free"))
    assert reservations.reserved_by_others(mine, ("free", "old")) == {"free"}


def test_workspace_deleted_during_its_pass_frees_its_reservation() -> None:
    mine, other = using("ws", "1"), Key(NAMESPACE, "other")
    store, reservations = known(mine, using("other", "2"))
    with reservations.reserve(other, FREE):
        store.remove(WORKSPACE, other)
        assert reservations.reserved_by_others(mine, FREE) == set()
    store.upsert(WORKSPACE, using("other", "3"))
    assert reservations.reserved_by_others(mine, FREE) == set()


def test_only_reserved_names_are_returned() -> None:
    _, reservations = known(using("one", "1", "a", "b"), using("two", "2", "c"))
    held = reservations.reserved_by_others(using("ws", "3", "d"), ("a", "c", "d", "e"))
    assert held == {"a", "c"}
