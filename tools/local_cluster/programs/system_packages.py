"""What comes from the system's packages: installed where missing, with apt.

Programs with services of their own (the registry) are unpacked into the cache instead, so that
the package's installation starts nothing on the machine.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.local_cluster.errors import ClusterError
from tools.local_cluster.processes.commands import run

# Program -> package. Only what is missing is installed: Debian's runc, for one, would drive out
# that of another container engine.
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
# A machine just started may be busy with its own updates.
_PATIENCE: Final = "-oDPkg::Lock::Timeout=300"
UNPACKED: Final = {"docker-registry": "docker-registry", "catatonit": "catatonit"}


def missing(has: Callable[[str], object] = shutil.which) -> list[str]:
    """The packages of the programs that this machine lacks."""
    return sorted({package for program, package in INSTALLED.items() if not has(program)})


def install() -> list[str]:
    """Installs what is missing and returns its names."""
    wanted = missing()
    if wanted:
        _apt("install", "-y", "--no-install-recommends", *wanted)
    return wanted


def unpack(binaries: Path) -> None:
    """Puts the programs that must not be installed into the folder of binaries."""
    binaries.mkdir(parents=True, exist_ok=True)
    for program, package in UNPACKED.items():
        if (binaries / program).exists():
            continue
        if not shutil.which("apt-get") and (found := shutil.which(program)):
            (binaries / program).symlink_to(found)
        else:
            _unpack(program, package, binaries)


def _unpack(program: str, package: str, binaries: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        _apt("download", package, cwd=folder)
        archive = next(Path(folder).glob("*.deb"))
        run("dpkg-deb", "--extract", str(archive), folder)
        found = Path(folder, "usr/bin", program)
        if not found.exists():
            raise ClusterError(f"the package {package} holds no /usr/bin/{program}")
        shutil.move(found, binaries / program)


def _apt(*arguments: str, cwd: str = "/") -> None:
    """apt-get with these arguments; the package lists are fetched only when it fails without."""
    if not shutil.which("apt-get"):
        raise ClusterError(
            "this system has no apt-get: install " + ", ".join(sorted(INSTALLED.values())) + " "
            f"with its own package manager, and put {', '.join(UNPACKED)} into PATH"
        )
    place = ("env", "-C", cwd, "DEBIAN_FRONTEND=noninteractive")
    command = (*place, "apt-get", "-q", _PATIENCE, *arguments)
    try:
        run(*command)
    except ClusterError:
        run("apt-get", "-q", "update")
        run(*command)
