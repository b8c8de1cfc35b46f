"""The models that a node keeps for its next pods: a part of the program of model-download.

    ROOT/NAMESPACE/ENTRY           a whole model; it gets this name once every file is right
    ROOT/NAMESPACE/ENTRY.partial   what has arrived of one, for the next container to go on with
    ROOT/NAMESPACE/ENTRY.lock      locked by the container that checks or downloads it

Namespaces share nothing: one may not have the token that another one's model needs. A whole model
holds the file IN_USE, on which each model-server that runs with it has a shared lock. The kernel
takes locks back from processes that end, so no mark of a dead pod is left.
"""

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

IN_USE = ".kaito-in-use"
PARTIAL, LOCK, EVICTED = ".partial", ".lock", ".evicted"
# From the end of the download until the model-server holds its lock, images are pulled.
KEPT_SECONDS = 3600.0
# The kubelet evicts pods when less than a tenth of the disk is free, and deletes images before.
FREE_SHARE = 0.2
WAIT_SECONDS = 1.0


class Entry(NamedTuple):
    """A model in the cache, whole or not. `used_at` is in seconds since the epoch."""

    path: pathlib.Path
    size_bytes: int
    used_at: float


class Disk(NamedTuple):
    total_bytes: int
    free_bytes: int


def to_evict(entries: Sequence[Entry], disk: Disk, needed_bytes: int, now: float) -> list[Entry]:
    """The entries to remove so that `needed_bytes` fit, the one that was not used longest first.

    May be too few: what was used a moment ago stays. Pure.
    """
    missing = needed_bytes + int(FREE_SHARE * disk.total_bytes) - disk.free_bytes
    found: list[Entry] = []
    for entry in sorted(entries, key=lambda each: each.used_at):
        if missing <= 0:
            break
        if now - entry.used_at >= KEPT_SECONDS:
            found.append(entry)
            missing -= entry.size_bytes
    return found


class NodeCache:
    """One model in the cache of a node: `folder` is ROOT/NAMESPACE/ENTRY."""

    def __init__(
        self,
        root: pathlib.Path,
        folder: pathlib.Path,
        now: Callable[[], float] = time.time,
        disk_usage: Callable[[pathlib.Path], Any] = shutil.disk_usage,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self.root, self.folder = root, folder
        self.partial = self.folder.with_name(self.folder.name + PARTIAL)
        self.now, self.disk_usage, self.wait = now, disk_usage, wait

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the entry's lock; waits as long as another pod of the node has it."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock_of(self.folder).open("a") as file:
            announced = False
            while not _try_lock(file.fileno()):
                if not announced:
                    print("another pod of the node brings the model; waiting", flush=True)
                announced = True
                self.wait(WAIT_SECONDS)
            yield

    def publish(self) -> None:
        """Makes what was downloaded the whole model. It survives a loss of power from then on."""
        (self.partial / IN_USE).touch()
        for path in self.partial.rglob("*"):
            _sync(path)
        self.partial.rename(self.folder)
        _sync(self.folder.parent)

    def take_back(self) -> None:
        """Makes a model that is not right one to download: its wrong files are gone by then."""
        if self.partial.exists():
            shutil.rmtree(self.partial)
        self.folder.rename(self.partial)

    def mark_used(self) -> None:
        (self.folder / IN_USE).touch()

    def make_room(self, needed_bytes: int) -> None:
        """Removes models that no pod uses, if less than a fifth of the disk would be free.

        Raises:
            OSError: ENOSPC, the disk would be full before all has arrived. The kubelet evicts the
                pods of a full disk, and removes nothing of the cache: no pod could start there.
        """
        for left in self.root.glob(f"*/*{EVICTED}"):
            shutil.rmtree(left, ignore_errors=True)
        others = [
            entry for entry in self.entries() if entry.path not in (self.folder, self.partial)
        ]
        usage = self.disk_usage(self.root)
        free_bytes = usage.free
        # One that a pod uses frees nothing, so others go in its place.
        while found := to_evict(others, Disk(usage.total, free_bytes), needed_bytes, self.now()):
            others = [entry for entry in others if entry not in found]
            for entry in found:
                if evict(entry.path):
                    free_bytes += entry.size_bytes
                    print(f"removed {entry.path.name}, which no pod uses, for its room", flush=True)
        if needed_bytes > free_bytes:
            print(f"{needed_bytes} bytes are to come, and {free_bytes} are free", flush=True)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def entries(self) -> list[Entry]:
        """All models below the root, those of other namespaces included."""
        folders = (path for path in self.root.glob("*/*") if path.is_dir())
        return [_entry(path) for path in folders if not path.name.endswith(EVICTED)]


def evict(path: pathlib.Path) -> bool:
    """Removes a model, unless a pod uses or downloads it."""
    whole = path.with_name(path.name.removesuffix(PARTIAL))
    with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
        held = [stack.enter_context(_lock_of(whole).open("a"))]
        if (path / IN_USE).exists():
            held.append(stack.enter_context((path / IN_USE).open()))
        if not all(_try_lock(file.fileno()) for file in held):
            return False
        # At once, so that nobody finds a half of it.
        gone = path.rename(path.with_name(path.name + EVICTED))
        shutil.rmtree(gone, ignore_errors=True)
        return True
    return False


def _entry(path: pathlib.Path) -> Entry:
    """What has no mark is used as long as something is written to it."""
    size_bytes, used_at, marked_at = 0, 0.0, 0.0
    for file in (path, *path.rglob("*")):
        # Another container may remove or rename it meanwhile.
        with contextlib.suppress(OSError):
            found = file.stat()
            size_bytes, used_at = size_bytes + found.st_size, max(used_at, found.st_mtime)
            if file == path / IN_USE:
                marked_at = found.st_mtime
    return Entry(path, size_bytes, marked_at or used_at)


def _lock_of(folder: pathlib.Path) -> pathlib.Path:
    return folder.with_name(folder.name + LOCK)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sync(path: pathlib.Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
