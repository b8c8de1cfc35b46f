"""Locks between the processes and threads of this tool."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tools.local_cluster.paths import Paths


@contextlib.contextmanager
def whole_cluster(paths: Paths) -> Iterator[None]:
    """Exclusive access: no other process starts, stops or changes anything in the cluster."""
    with _lock(paths.cache, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def one_node(paths: Paths, name: str) -> Iterator[None]:
    """Exclusive access to one node, shared access to the cluster."""
    with _lock(paths.cache, fcntl.LOCK_SH), _lock(_folder(paths, f"node-{name}"), fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def node_table(paths: Paths) -> Iterator[None]:
    """Exclusive access to the table of node indexes."""
    with _lock(_folder(paths, "indexes"), fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def builds(paths: Paths) -> Iterator[None]:
    """Exclusive access to the cache of built programs."""
    with _lock(paths.cache / "builds", fcntl.LOCK_EX):
        yield


def _folder(paths: Paths, name: str) -> Path:
    return paths.run / "locks" / name


@contextlib.contextmanager
def _lock(folder: Path, kind: int) -> Iterator[None]:
    """Hold a lock on the folder itself, so no lock file is left behind."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)
