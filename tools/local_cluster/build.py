"""Makes everything that the cluster runs, once: packages, Go, and the Go programs.

The programs of a module lie in a folder of the cache named by what they are made of, and
`bin` links to them; so a second call finds them at once.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.local_cluster import go_modules, packages, toolchain
from tools.local_cluster.commands import run
from tools.local_cluster.errors import CommandFailed
from tools.local_cluster.go_modules import GoModule
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes import tail
from tools.local_cluster.progress import Progress, Step

# The compiler is a short-lived program: with memory to spare, it need not collect garbage often.
_COMPILER_GOGC: Final = "400"


@dataclass(frozen=True, slots=True)
class Build:
    """One module's build: with which compiler, and where its programs and its log go."""

    module: GoModule
    go: Path
    target: Path
    log: Path

    @property
    def is_done(self) -> bool:
        return all((self.target / program).exists() for program in self.module.programs)


def build(paths: Paths) -> None:
    """Builds what is missing; prints one line when nothing is."""
    builds = plan(paths)
    if not packages.missing() and all(b.is_done for b in builds) and _is_linked(paths, builds):
        print(f"all is built: {paths.bin}")
        return
    waiting = [b for b in builds if not b.is_done]
    progress = Progress(steps=3)
    with progress.step("system packages") as step:
        step.note = ", ".join(packages.install())
        packages.unpack(paths.bin)
    with progress.step("fetch Go modules") as step:
        stale = {b.target: _stale(b, step) for b in waiting}
    with progress.step(f"compile {', '.join(b.module.name for b in waiting)}") as step:
        step.total = sum(stale.values())
        with ThreadPoolExecutor(max_workers=len(builds)) as pool:
            list(pool.map(lambda b: _compile(b, step), waiting))
    _link(paths, builds)
    print(f"built in {progress.total():.0f} s: {paths.bin}")


def plan(paths: Paths) -> list[Build]:
    """The builds, whether done or not."""
    go = toolchain.find(go_modules.ROOT, paths.cache)
    compiler = run(str(go), "version")
    return [
        Build(
            module,
            go,
            paths.cache / "builds" / f"{module.name}-{go_modules.digest(module, compiler)}",
            paths.build_logs / f"build-{module.name}.log",
        )
        for module in go_modules.modules()
    ]


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Go's environment: static programs, this very compiler, none of the user's own flags."""
    ours = {"CGO_ENABLED": "0", "GOFLAGS": "", "GOTOOLCHAIN": "local", "GOWORK": "off"}
    return {**environ, **ours, "GOGC": _COMPILER_GOGC}


def _stale(build: Build, step: Step) -> int:
    """Fetches the module's sources and counts the packages that are to be compiled."""
    step.note = build.module.name
    template = "{{if .Stale}}{{.ImportPath}}{{end}}"
    flags = go_modules.flags(build.module)
    arguments = ["list", "-deps", "-f", template, *flags, *build.module.packages]
    done = subprocess.run(
        [build.go, *arguments],
        cwd=build.module.folder,
        env=environment(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CommandFailed(f"go list in {build.module.folder}: {done.stderr[-2000:]}")
    return len(done.stdout.split())


def _compile(build: Build, step: Step) -> None:
    """Builds the module's programs; each package that the compiler names is one step done."""
    unfinished = build.target.with_suffix(".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    build.log.parent.mkdir(parents=True, exist_ok=True)
    argv = [str(build.go), "build", "-v", "-o", f"{unfinished}/", *go_modules.flags(build.module)]
    with (
        build.log.open("w") as log,
        subprocess.Popen(
            [*argv, *build.module.packages],
            cwd=build.module.folder,
            env=environment(os.environ),
            stderr=subprocess.PIPE,
            text=True,
        ) as compiler,
    ):
        began = time.monotonic()
        for line in compiler.stderr or ():
            log.write(f"{time.monotonic() - began:7.1f} {line}")
            step.done += 1
            step.note = line.strip().rpartition("/")[2]
    if compiler.returncode:
        raise CommandFailed(f"go build failed; the end of {build.log}:\n{tail(build.log)}")
    unfinished.rename(build.target)


def _links(paths: Paths, builds: list[Build]) -> dict[Path, Path]:
    return {paths.bin / p: b.target / p for b in builds for p in b.module.programs}


def _is_linked(paths: Paths, builds: list[Build]) -> bool:
    links = _links(paths, builds).items()
    unpacked = all((paths.bin / program).exists() for program in packages.UNPACKED)
    return unpacked and all(a.is_symlink() and a.readlink() == b for a, b in links)


def _link(paths: Paths, builds: list[Build]) -> None:
    """Points `bin` at these builds and removes older ones, which nothing can start any more."""
    for link, target in _links(paths, builds).items():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    kept = {b.target for b in builds}
    for build in builds:
        for folder in build.target.parent.glob(f"{build.module.name}-*"):
            if folder not in kept:
                shutil.rmtree(folder)
