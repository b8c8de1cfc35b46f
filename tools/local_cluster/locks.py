"""Locks between processes and threads of this tool."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from tools.local_cluster.paths import Paths


@contextlib.contextmanager
def whole_cluster(paths: Paths) -> Iterator[None]:
    """Nobody else brings up, takes down or changes a node meanwhile."""
    with _held(paths.cache, fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def one_node(paths: Paths, name: str) -> Iterator[None]:
    """Nobody else changes this node meanwhile, nor takes the cluster down."""
    with _held(paths.cache, fcntl.LOCK_SH), _held(_folder(paths, f"node-{name}"), fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def node_table(paths: Paths) -> Iterator[None]:
    """Nobody else gives out nodes' indexes meanwhile."""
    with _held(_folder(paths, "indexes"), fcntl.LOCK_EX):
        yield


@contextlib.contextmanager
def builds(paths: Paths) -> Iterator[None]:
    """Nobody else builds into this cache meanwhile."""
    with _held(paths.cache / "builds", fcntl.LOCK_EX):
        yield


def _folder(paths: Paths, name: str) -> Path:
    return paths.run / "locks" / name


@contextlib.contextmanager
def _held(folder: Path, kind: int) -> Iterator[None]:
    """A lock on a folder itself: there is no lock file to leave behind."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, kind)
        yield
    finally:
        os.close(handle)
