"""What the plugin needs, in the versions and with the hashes of control.lock.

So one file holds what the tests have run with.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Only `kubernetes.aio` needs them, which the plugin never imports: a third of the size.
EXCLUDED = ("aiohttp", "aiohttp-retry")
_ENTRY = re.compile(r"^([A-Za-z0-9._-]+)==\S+(?: \\\n +--hash=\S+)+", re.MULTILINE)


def declared(root: Path) -> list[str]:
    """The requirements that pyproject.toml declares."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    return [str(each) for each in project["dependencies"]]


def pinned(root: Path) -> str:
    """The declared requirements and all that they need, as a requirements file with hashes."""
    entries = read_lock((root / "requirements" / "control.lock").read_text())
    names = sorted(set(_closure(Requirement(each) for each in declared(root))))
    return "".join(f"{entries[name]}\n" for name in names)


def read_lock(text: str) -> Mapping[str, str]:
    """Each entry of a lock file, with its hashes, by the package's name."""
    return {canonicalize_name(entry[1]): entry[0] for entry in _ENTRY.finditer(text)}


def _closure(wanted: Iterable[Requirement]) -> Iterator[str]:
    """As this environment has them, which is made from the same lock file."""
    waiting, seen = list(wanted), set(EXCLUDED)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        unneeded = requirement.marker and not requirement.marker.evaluate({"extra": ""})
        if unneeded or name in seen:
            continue
        seen.add(name)
        yield name
        waiting += [Requirement(each) for each in requires(name) or ()]
