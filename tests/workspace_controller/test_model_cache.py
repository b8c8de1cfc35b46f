"""The models that a node keeps: what is removed, and what a pod finds."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from model_server.startup import model_in_use
from model_server.startup.model_in_use import hold_model
from tests.waiting import HANG_SECONDS
from workspace_controller.model_cache import IN_USE, KEPT_SECONDS, Disk, Entry, NodeCache, to_evict

GIB = 2**30
NOW = 1_000_000.0
# A fifth of it stays free.
DISK = Disk(total_bytes=100 * GIB, free_bytes=30 * GIB)


def entry(name: str, size: int, hours_ago: float) -> Entry:
    return Entry(Path(name), size * GIB, NOW - 3600 * hours_ago)


ENTRIES = [entry("new", 5, 0.5), entry("old", 10, 48), entry("middle", 20, 24)]


@pytest.mark.parametrize(
    ("needed", "removed"),
    [
        (0, []),
        (10, []),
        (11, ["old"]),
        (20, ["old"]),
        (21, ["old", "middle"]),
        # All that may go, although it is not enough: the download says that the disk is full.
        (90, ["old", "middle"]),
    ],
)
def test_the_longest_unused_models_make_room_and_recent_ones_stay(
    needed: int, removed: list[str]
) -> None:
    found = to_evict(ENTRIES, DISK, needed * GIB, NOW)
    assert [each.path.name for each in found] == removed


class Usage(NamedTuple):
    """As of shutil.disk_usage."""

    total: int
    used: int
    free: int


def full(_: Path) -> Usage:
    return Usage(100 * GIB, 99 * GIB, GIB)


def cache_of(root: Path, name: str = "team/new", **changes: Callable[..., object]) -> NodeCache:
    given = {"disk_usage": full, "now": lambda: NOW, **changes}
    return NodeCache(root, root / name, **given)  # type: ignore[arg-type]


def stored(root: Path, name: str, hours_ago: float = 48) -> Path:
    """A whole model of the node."""
    cache = cache_of(root, name)
    with cache.locked():
        cache.partial.mkdir()
        (cache.partial / "model.safetensors").write_bytes(b"weights")
        cache.publish()
    when = NOW - 3600 * hours_ago
    os.utime(cache.folder / IN_USE, (when, when))
    return cache.folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_a_model_that_no_pod_uses_makes_room_for_the_next_one(root: Path) -> None:
    unused = stored(root, "team/unused")
    # Its namespace may be gone.
    other = stored(root, "other-team/unused")
    cache_of(root).make_room(GIB)
    assert not unused.exists() and not other.exists()


def test_a_model_that_is_served_stays_until_its_model_server_ends(root: Path) -> None:
    folder = stored(root, "team/served")
    held = hold_model(folder)
    assert held is not None
    cache_of(root).make_room(GIB)
    assert (folder / "model.safetensors").exists()
    held.close()
    cache_of(root).make_room(GIB)
    assert not folder.exists()


def test_a_model_that_is_served_for_long_does_not_keep_the_disk_full(root: Path) -> None:
    served, unused = stored(root, "team/served", 480), stored(root, "team/unused", 48)
    held = hold_model(served)
    assert held is not None
    # The older one would be enough.
    a_little = int(0.2 * 100 * GIB) - 1
    cache_of(root, disk_usage=lambda _: Usage(100 * GIB, 0, a_little)).make_room(0)
    assert served.exists() and not unused.exists()
    held.close()


def test_two_pods_serve_one_folder_and_the_last_one_frees_it(root: Path) -> None:
    folder = stored(root, "team/served")
    first, second = hold_model(folder), hold_model(folder)
    assert first is not None and second is not None
    first.close()
    cache_of(root).make_room(GIB)
    assert folder.exists()
    second.close()


def test_a_model_that_arrives_is_not_removed_and_what_is_left_of_one_is(root: Path) -> None:
    arriving, left = cache_of(root, "team/arriving"), cache_of(root, "team/left")
    for cache in (arriving, left):
        cache.partial.mkdir(parents=True)
        os.utime(cache.partial, (0, 0))
    with arriving.locked():
        cache_of(root).make_room(GIB)
        assert arriving.partial.exists()
        assert not left.partial.exists()


def test_a_model_that_was_just_brought_stays_while_images_are_pulled(root: Path) -> None:
    fresh = stored(root, "team/fresh", hours_ago=KEPT_SECONDS / 3600 / 2)
    cache_of(root).make_room(GIB)
    assert fresh.exists()


def test_a_removal_that_was_cut_off_is_finished(root: Path) -> None:
    (root / "team" / "half.evicted").mkdir(parents=True)
    cache_of(root, disk_usage=lambda _: Usage(100 * GIB, 0, 100 * GIB)).make_room(0)
    assert not (root / "team" / "half.evicted").exists()


def test_a_second_pod_waits_for_the_first(root: Path) -> None:
    waited = threading.Event()

    def wait(_: float) -> None:
        waited.set()

    entered = threading.Event()

    def second() -> None:
        with cache_of(root, wait=wait).locked():
            entered.set()

    thread = threading.Thread(target=second)
    with cache_of(root).locked():
        thread.start()
        assert waited.wait(HANG_SECONDS)
        assert not entered.is_set()
    thread.join(HANG_SECONDS)
    assert entered.is_set()


def test_a_model_of_one_pod_alone_needs_no_lock(tmp_path: Path) -> None:
    assert hold_model(tmp_path) is None


def test_both_services_name_the_same_file() -> None:
    assert model_in_use.IN_USE == IN_USE
