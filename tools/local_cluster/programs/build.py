"""Installs the system packages and builds the Go programs that the cluster runs.

A module's programs are cached in a folder named by a digest of their inputs, and `bin` links to
them, so a second build takes no time. Packages and modules are built in parallel: while one waits
for the network, another uses the CPUs.
"""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.local_cluster import locks
from tools.local_cluster.paths import Paths
from tools.local_cluster.processes.commands import run
from tools.local_cluster.programs import go_build, go_modules, go_toolchain, system_packages
from tools.local_cluster.programs.go_build import Build
from tools.local_cluster.progress import Progress


def build(paths: Paths) -> None:
    """Build what is missing.

    Raises:
        CommandFailed: a package could not be installed or a module could not be compiled.
    """
    with locks.builds(paths):
        _build(paths, plan(paths))


def _build(paths: Paths, builds: list[Build]) -> None:
    if not system_packages.missing() and _is_linked(paths, builds):
        print(f"up to date: {paths.bin}")
        return
    unfinished = [b for b in builds if not b.is_done]
    progress = Progress(steps=1 + len(unfinished))
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(_packages, paths, progress)]
        jobs += [pool.submit(_module, build, progress) for build in unfinished]
        for job in jobs:
            job.result()
    _link(paths, builds)
    print(f"built everything in {progress.elapsed_seconds():.0f} s: {paths.bin}")


def plan(paths: Paths) -> list[Build]:
    """One build per Go module, finished or not."""
    go = go_toolchain.find(go_modules.ROOT, paths.cache)
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


def _packages(paths: Paths, progress: Progress) -> None:
    with progress.step("system packages") as step:
        step.note = ", ".join(system_packages.missing())
        system_packages.install()
        system_packages.unpack(paths.bin)


def _module(build: Build, progress: Progress) -> None:
    with progress.step(f"Go module {build.module.name}") as step:
        go_build.run(build, step)


def _links(paths: Paths, builds: list[Build]) -> dict[Path, Path]:
    return {paths.bin / p: b.target / p for b in builds for p in b.module.programs}


def _is_linked(paths: Paths, builds: list[Build]) -> bool:
    unpacked = all((paths.bin / program).exists() for program in system_packages.UNPACKED)
    links = _links(paths, builds).items()
    return unpacked and all(a.is_symlink() and a.readlink() == b and b.exists() for a, b in links)


def _link(paths: Paths, builds: list[Build]) -> None:
    """Link `bin` to these builds and remove older ones, which are unreachable now."""
    for link, target in _links(paths, builds).items():
        link.unlink(missing_ok=True)
        link.symlink_to(target)
    kept = {build.target for build in builds}
    for build in builds:
        for folder in build.target.parent.glob(f"{build.module.name}-*"):
            if folder not in kept:
                shutil.rmtree(folder)
