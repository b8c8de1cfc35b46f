"""Builds the programs of one Go module: fetch the sources, compile, install."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_cluster.errors import CommandFailed
from tools.local_cluster.processes.daemons import tail
from tools.local_cluster.programs import go_modules
from tools.local_cluster.programs.go_modules import GoModule
from tools.local_cluster.progress import Step

# The compiler runs briefly. With memory to spare, collecting garbage less often saves CPU time.
_COMPILER_GOGC: Final = "400"
# Lists only packages that are not in Go's build cache, so that progress counts real work.
_STALE: Final = "{{if .Stale}}{{.ImportPath}}{{end}}"


@dataclass(frozen=True, slots=True)
class Build:
    """The build of one module: the compiler, and where the programs and the log go."""

    module: GoModule
    go: Path
    target: Path
    log: Path

    @property
    def is_done(self) -> bool:
        return all((self.target / program).exists() for program in self.module.programs)


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for Go: static binaries, exactly this compiler, no user flags."""
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**environ, **fixed, "GOGC": _COMPILER_GOGC}


def run(build: Build, step: Step) -> None:
    """Build `build.target`.

    Raises:
        CommandFailed: go failed; the message ends with the last lines of the log.
    """
    build.log.parent.mkdir(parents=True, exist_ok=True)
    build.log.write_text("")
    step.total = _fetch(build, step)
    unfinished = build.target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    _compile(build, unfinished, step)
    shutil.rmtree(build.target, ignore_errors=True)
    unfinished.rename(build.target)
    step.note = f"{len(build.module.programs)} programs from {step.total} packages"


def _fetch(build: Build, step: Step) -> int:
    """Fetch the module's sources and count the packages to compile."""
    listing = build.target.with_suffix(".list")
    listing.parent.mkdir(parents=True, exist_ok=True)
    with listing.open("w") as out:
        for line in _go(build, ["list", "-deps", "-f", _STALE], out.fileno()):
            step.note = f"fetching {line.split()[-2]}" if "downloading" in line else step.note
    count = len(listing.read_text().split())
    listing.unlink()
    return count


def _compile(build: Build, target: Path, step: Step) -> None:
    """Compile. With -v the compiler prints each package as it starts on it."""
    for line in _go(build, ["build", "-v", "-o", f"{target}/"], subprocess.DEVNULL):
        step.done += 1
        step.note = line.rpartition("/")[2]


def _go(build: Build, command: list[str], out: int) -> Iterator[str]:
    """Run go on the module's packages; log and yield each line that it prints to stderr."""
    argv = [str(build.go), *command, *go_modules.flags(build.module), *build.module.packages]
    process = subprocess.Popen(
        argv,
        cwd=build.module.folder,
        env=environment(os.environ),
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
    )
    started_at = time.monotonic()
    with process, build.log.open("a") as log:
        for line in process.stderr or ():
            log.write(f"{time.monotonic() - started_at:7.1f} {line}")
            yield line.strip()
    if process.returncode:
        raise CommandFailed(f"go {command[0]} failed; the end of {build.log}:\n{tail(build.log)}")
