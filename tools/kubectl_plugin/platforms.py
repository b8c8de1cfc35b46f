"""The machines that one file is built for, and which wheels they take."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packaging import tags

# The CPython versions that every file holds wheels for. The oldest is the one that the code needs.
PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
# glibc 2.28 is that of RHEL 8 and Debian 10; macOS 11 is the first for Apple's own processors.
_GLIBC_MINORS = range(28, 16, -1)
_MACOS = (11, 0)


@dataclass(frozen=True, slots=True)
class Platform:
    """An operating system and an architecture, as Go and krew call them."""

    os: str
    arch: str

    @property
    def name(self) -> str:
        return f"{self.os}-{self.arch}"


# Intel Macs are missing: the cryptography library no longer has wheels for them.
PLATFORMS = (Platform("linux", "amd64"), Platform("linux", "arm64"), Platform("darwin", "arm64"))
_MACHINES = {
    "linux-amd64": "x86_64",
    "linux-arm64": "aarch64",
    "darwin-arm64": "arm64",
}


def this_platform() -> Platform | None:
    """That of this machine; None if no file is built for it."""
    system, machine = platform.system().lower(), platform.machine()
    return next((p for p in PLATFORMS if p.os == system and _MACHINES[p.name] == machine), None)


def complete_platform(target: Platform, python: tuple[int, int]) -> Mapping[str, Any]:
    """The interpreter as pex describes one that it cannot run: its wheel tags and its markers."""
    version, abi = f"{python[0]}.{python[1]}", f"cp{python[0]}{python[1]}"
    systems = _systems(target)
    found = [
        *tags.cpython_tags(python, [abi], systems),
        *tags.compatible_tags(python, abi, systems),
    ]
    return {
        "compatible_tags": [str(tag) for tag in found],
        "marker_environment": {
            "implementation_name": "cpython",
            "implementation_version": f"{version}.0",
            "os_name": "posix",
            "platform_machine": _MACHINES[target.name],
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": target.os.capitalize(),
            "platform_version": "",
            "python_full_version": f"{version}.0",
            "python_version": version,
            "sys_platform": target.os,
        },
    }


def _systems(target: Platform) -> list[str]:
    machine = _MACHINES[target.name]
    if target.os == "darwin":
        return list(tags.mac_platforms(_MACOS, machine))
    return [
        *(f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS),
        f"manylinux2014_{machine}",
        f"linux_{machine}",
    ]
