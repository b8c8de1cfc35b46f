"""Node indexes, from which the addresses are derived."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tools.local_cluster import topology
from tools.local_cluster.errors import ClusterError
from tools.local_cluster.nodes import lifecycle
from tools.local_cluster.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "cache", tmp_path / "home", tmp_path / "run")


def test_concurrent_claims_get_different_indexes(paths: Paths) -> None:
    names = [f"node-{n}" for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda name: lifecycle.claim_index(paths, name), names))
    assert sorted(claimed) == list(range(20))
    assert lifecycle.indexes(paths) == dict(zip(names, claimed, strict=True))


def test_node_keeps_its_index(paths: Paths) -> None:
    assert lifecycle.claim_index(paths, "a") == lifecycle.claim_index(paths, "a")


def test_freed_index_is_reused(paths: Paths) -> None:
    lifecycle.claim_index(paths, "a")
    lifecycle.claim_index(paths, "b")
    (paths.node("a") / "index").unlink()
    assert lifecycle.claim_index(paths, "c") == 0


def test_exhausted_address_range_is_an_error(paths: Paths) -> None:
    for n in range(topology.MAX_NODES):
        folder = paths.node(f"n{n}")
        folder.mkdir(parents=True)
        (folder / "index").write_text(str(n))
    with pytest.raises(ClusterError, match="at most 240"):
        lifecycle.claim_index(paths, "one too many")


def test_missing_node_is_not_running_and_can_be_stopped(paths: Paths) -> None:
    assert not lifecycle.is_running(paths, "a")
    lifecycle.stop(paths, "a")
