"""Runs the registry of Debian's docker-registry package for a test."""

import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = "docker-registry"
# user:secret
HTPASSWD = "user:$2b$04$V3XnIA3CazpJDDAIMVbdVOdzNyOmE4NBiVrGKLhzrG7jDcAOcARZS\n"


@contextmanager
def running(directory: Path, *, basic: bool) -> Iterator[str]:
    """Run the registry with its storage in `directory`, and yield its host:port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    (directory / "htpasswd").write_text(HTPASSWD)
    auth = f"auth: {{htpasswd: {{realm: test, path: {directory}/htpasswd}}}}" if basic else ""
    (directory / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nhttp: {{addr: {host}}}\n"
        f"storage: {{filesystem: {{rootdirectory: {directory}/storage}}}}\n{auth}\n"
    )
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "serve", str(directory / "config.yml")], stdout=log, stderr=log
        )
    try:
        _wait(host)
        yield host
    finally:
        process.terminate()
        process.wait()


def _wait(host: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://{host}/", timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise TimeoutError(f"{PROGRAM} did not start at {host}")
