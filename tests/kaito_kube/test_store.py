"""The store: versions, complete listings, and look-ups by label with and without an index."""

import asyncio

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
    created = Store()
    if request.param:
        created.index(NODE, LABEL)
    return created


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
def test_only_newer_versions_notify_listeners(before: Manifest, after: Manifest, kept: str) -> None:
    store, notified = Store(), list[str]()
    store.add_listener(lambda _, manifest: notified.append(manifest["metadata"]["resourceVersion"]))
    store.upsert(NODE, before)
    store.upsert(NODE, after)
    found = store.get(NODE, Key("", "a"))
    assert found is not None and found["metadata"]["resourceVersion"] == kept
    assert len(notified) == (1 if kept == before["metadata"]["resourceVersion"] else 2)


def test_objects_are_selected_by_label(store: Store) -> None:
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


def test_complete_listing_removes_other_objects(store: Store) -> None:
    store.upsert(NODE, item("a"))
    assert not store.is_synced(NODE)
    store.replace_all(NODE, [item("b")])
    assert names(store.all(NODE)) == ["b"] and store.is_synced(NODE)
    assert not store.is_synced(POD)


async def test_listings_of_several_kinds_can_be_waited_for(store: Store) -> None:
    waiting = asyncio.create_task(store.wait_until_synced((NODE, POD)))
    store.upsert(NODE, item("a"))
    store.replace_all(POD, [])
    await asyncio.sleep(0)
    assert not waiting.done()
    store.mark_kind_missing(NODE)
    await waiting


def test_managed_fields_and_images_are_dropped() -> None:
    store = Store()
    heavy = item("a")
    heavy["metadata"]["managedFields"] = [{}]
    store.upsert(NODE, {**heavy, "status": {"images": [{}], "phase": "x"}})
    kept = store.get(NODE, Key("", "a"))
    assert kept is not None
    assert "managedFields" not in kept["metadata"] and kept["status"] == {"phase": "x"}


def test_missing_kind_has_no_objects_and_returns_with_a_listing() -> None:
    store, notified = Store(), list[tuple[str, bool]]()
    store.add_kind_listener(lambda kind: notified.append((kind.kind, store.is_kind_served(kind))))
    store.upsert(NODE, item("a"))
    assert store.is_kind_served(NODE)
    for _ in range(2):
        store.mark_kind_missing(NODE)
    assert store.keys(NODE) == [] and store.is_synced(NODE)
    for _ in range(2):
        store.replace_all(NODE, [item("b")])
    assert notified == [("Node", False), ("Node", True)]
