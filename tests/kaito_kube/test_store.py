"""The store: versions, whole listings, and look-ups by label with and without an index."""

import pytest

from kaito_kube.kinds import NODE, POD, Key, Manifest
from kaito_kube.store import Store

LABEL = "app"


def item(name: str, version: str = "1", uid: str = "u", **labels: str) -> Manifest:
    metadata = {"name": name, "uid": uid, "resourceVersion": version, "labels": labels}
    return {"metadata": metadata}


def names(found: list[Manifest]) -> list[str]:
    return sorted(manifest["metadata"]["name"] for manifest in found)


@pytest.fixture(params=[False, True], ids=["plain", "indexed"])
def store(request: pytest.FixtureRequest) -> Store:
    made = Store()
    if request.param:
        made.index(NODE, LABEL)
    return made


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (item("a", "9"), item("a", "10"), "10"),
        (item("a", "10"), item("a", "9"), "10"),
        (item("a", "9"), item("a", "9"), "9"),
        (item("a", "10"), item("a", "9", uid="another"), "9"),
        (item("a", "x"), item("a", "y"), "y"),
    ],
    ids=["newer", "older", "same", "another object", "not numbers"],
)
def test_only_what_is_newer_is_news(before: Manifest, after: Manifest, kept: str) -> None:
    store, told = Store(), list[str]()
    store.add_listener(lambda _, manifest: told.append(manifest["metadata"]["resourceVersion"]))
    store.upsert(NODE, before)
    store.upsert(NODE, after)
    found = store.get(NODE, Key("", "a"))
    assert found is not None and found["metadata"]["resourceVersion"] == kept
    assert len(told) == (1 if kept == before["metadata"]["resourceVersion"] else 2)


def test_labels_are_looked_up(store: Store) -> None:
    store.upsert(NODE, item("a", app="x"))
    store.upsert(NODE, item("b", app="y"))
    store.upsert(NODE, item("c"))
    assert names(store.select(NODE, {LABEL: "x"})) == ["a"]
    assert names(store.without_label(NODE, LABEL)) == ["c"]
    store.upsert(NODE, item("a", "2"))
    assert names(store.select(NODE, {LABEL: "x"})) == []
    assert names(store.without_label(NODE, LABEL)) == ["a", "c"]
    store.remove(NODE, Key("", "c"))
    assert names(store.without_label(NODE, LABEL)) == ["a"]


def test_a_whole_listing_takes_the_rest_away(store: Store) -> None:
    store.upsert(NODE, item("a"))
    assert not store.is_synced(NODE)
    store.replace_all(NODE, [item("b")])
    assert names(store.all(NODE)) == ["b"] and store.is_synced(NODE)
    assert not store.is_synced(POD)


def test_what_no_decision_reads_is_not_kept() -> None:
    store = Store()
    heavy = item("a")
    heavy["metadata"]["managedFields"] = [{}]
    store.upsert(NODE, {**heavy, "status": {"images": [{}], "phase": "x"}})
    kept = store.get(NODE, Key("", "a"))
    assert kept is not None
    assert "managedFields" not in kept["metadata"] and kept["status"] == {"phase": "x"}


def test_a_kind_that_the_cluster_does_not_know_has_no_objects_and_comes_back_with_a_list() -> None:
    store, told = Store(), list[tuple[str, bool]]()
    store.add_kind_listener(lambda kind: told.append((kind.kind, store.is_kind_served(kind))))
    store.upsert(NODE, item("a"))
    assert store.is_kind_served(NODE)
    for _ in range(2):
        store.mark_kind_missing(NODE)
    assert store.keys(NODE) == [] and store.is_synced(NODE)
    for _ in range(2):
        store.replace_all(NODE, [item("b")])
    assert told == [("Node", False), ("Node", True)]
