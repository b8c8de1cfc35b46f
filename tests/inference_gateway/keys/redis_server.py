"""A Redis or Valkey server on a socket of its own, for the tests of the shared ledger.

The one of this machine, or Debian's, unpacked into the cache without being installed or started.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_PROGRAMS = ("valkey-server", "redis-server")
# The server's program is in redis-tools, under the name of the tool that checks its files.
_PACKAGES = ("redis-tools", "liblzf1", "libjemalloc2", "libatomic1")
_CACHE = Path(os.environ.get("KAITO_CACHE") or Path.home() / ".cache" / "kaito") / "redis"


class MissingServer(Exception):
    """There is no server here. The message says why."""


def program() -> tuple[Path, dict[str, str]]:
    """The server's program, and the environment that it needs.

    Raises:
        MissingServer: it is not installed, and cannot be had.
    """
    for name in _PROGRAMS:
        if found := shutil.which(name):
            return Path(found), {}
    if not _CACHE.exists():
        _unpack()
    libraries = ":".join(str(each) for each in sorted(_CACHE.glob("**/*-linux-gnu")))
    return _CACHE / "redis-server", {"LD_LIBRARY_PATH": libraries}


def _unpack() -> None:
    if not shutil.which("apt-get"):
        raise MissingServer("neither valkey-server nor redis-server is installed; install one")
    _CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_CACHE.parent) as folder:
        files = Path(folder, "files")
        download = ["apt-get", "-qq", "download", *_PACKAGES]
        try:
            subprocess.run(download, cwd=folder, check=True, capture_output=True)
            for package in Path(folder).glob("*.deb"):
                subprocess.run(["dpkg-deb", "-x", package, files], check=True)
        except subprocess.CalledProcessError as error:
            raise MissingServer(f"Debian's package redis-tools: {error}") from error
        # The program serves if that is its name.
        shutil.copy(files / "usr/bin/redis-check-rdb", files / "redis-server")
        # Another test may have done the same meanwhile.
        with suppress(OSError):
            files.rename(_CACHE)


@dataclass
class RedisServer:
    """One server, which can be stopped and started again. `folder` has its socket and data."""

    folder: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/server"

    def start(self, *, keeps_data: bool = True) -> None:
        """Returns when it answers. `keeps_data` writes each change to the disk before it answers.

        Raises:
            MissingServer: there is none.
        """
        path, environ = program()
        socket = self.folder / "server"
        socket.unlink(missing_ok=True)
        arguments = (
            *("--port", "0", "--unixsocket", str(socket), "--save", ""),
            *("--appendonly", "yes" if keeps_data else "no", "--appendfsync", "always"),
            *("--dir", str(self.folder)),
        )
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(path), *arguments],
                env={**os.environ, **environ},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        while not self._answers():
            if self._process.poll() is not None:
                raise MissingServer((self.folder / "log").read_text(errors="replace")[-500:])
            time.sleep(0.01)

    def _answers(self) -> bool:
        # Imported here: the tests of the other store need no client.
        from redis import Redis
        from redis.exceptions import RedisError

        with Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except RedisError:
                return False

    def kill(self) -> None:
        """As a crash of its node: nothing is written any more."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """A server that is not started.

    Raises:
        MissingServer: there is none.
    """
    program()
    server = RedisServer(folder)
    try:
        yield server
    finally:
        server.kill()
