"""The programs that come from system packages, installed with apt when they are missing.

A package that would start a service when installed (the registry) is unpacked into the cache
instead.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.local_cluster.errors import ClusterError
from tools.local_cluster.processes.commands import run

# Program -> package. Only missing programs are installed: Debian's runc, for example, would replace
# the one that another container engine brought.
INSTALLED: Final = {
    "ip": "iproute2",
    "sysctl": "procps",
    "openssl": "openssl",
    "nft": "nftables",
    "runc": "runc",
    "buildah": "buildah",
    "skopeo": "skopeo",
    "mmdebstrap": "mmdebstrap",
}
# A freshly started machine may hold the dpkg lock for its own updates.
_LOCK_TIMEOUT: Final = "-oDPkg::Lock::Timeout=300"
UNPACKED: Final = {"docker-registry": "docker-registry", "catatonit": "catatonit"}


def missing(has: Callable[[str], object] = shutil.which) -> list[str]:
    """The packages of the programs that are not on this machine."""
    return sorted({package for program, package in INSTALLED.items() if not has(program)})


def install() -> list[str]:
    """Install the missing packages and return their names."""
    packages = missing()
    if packages:
        _apt("install", "-y", "--no-install-recommends", *packages)
    return packages


def unpack(binaries: Path) -> None:
    """Put the programs that must not be installed into the folder of binaries."""
    binaries.mkdir(parents=True, exist_ok=True)
    for program, package in UNPACKED.items():
        if (binaries / program).exists():
            continue
        if not shutil.which("apt-get") and (installed := shutil.which(program)):
            (binaries / program).symlink_to(installed)
        else:
            _unpack(program, package, binaries)


def _unpack(program: str, package: str, binaries: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _apt("download", package, cwd=folder)
        archive = next(Path(folder).glob("*.deb"))
        run("dpkg-deb", "--extract", str(archive), folder)
        unpacked = Path(folder, "usr/bin", program)
        if not unpacked.exists():
            raise ClusterError(f"package {package} does not contain /usr/bin/{program}")
        shutil.move(unpacked, binaries / program)


def _apt(*arguments: str, cwd: str = "/") -> None:
    """Run apt-get; the package lists are updated only if the first attempt fails."""
    if not shutil.which("apt-get"):
        raise ClusterError(
            "this system has no apt-get: install " + ", ".join(sorted(INSTALLED.values())) + " "
            f"with its package manager, and put {', '.join(UNPACKED)} on PATH"
        )
    environment = ("env", "-C", cwd, "DEBIAN_FRONTEND=noninteractive")
    command = (*environment, "apt-get", "-q", _LOCK_TIMEOUT, *arguments)
    try:
        run(*command)
    except ClusterError:
        run("apt-get", "-q", "update")
        run(*command)
