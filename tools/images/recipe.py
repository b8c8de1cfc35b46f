"""What an image is made from, and the digest of it. Reads files; runs nothing."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_COPY = re.compile(r"^COPY\s+(?!--from)(?P<paths>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One image: its Dockerfile, where it goes, and what its text does not name.

    `arguments` are build arguments. `contexts` are further build contexts by name, folders that
    the build makes; `sources` are the files, from the root, that their content comes from."""

    name: str
    repository: str
    dockerfile: str
    tag: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def copied(dockerfile: str) -> list[str]:
    """The paths, from the root of the context, that a Dockerfile's COPY instructions read.

    Copies from other stages and contexts are none."""
    words = [match.group("paths").split() for match in _COPY.finditer(dockerfile)]
    return sorted({path for line in words for path in line[:-1]})


def files(root: Path, path: str) -> Iterator[Path]:
    """The files below a path or a pattern, in order, without Python's byte code."""
    for found in sorted(root.glob(path.rstrip("/"))):
        inside = sorted(found.rglob("*")) if found.is_dir() else [found]
        yield from (f for f in inside if f.is_file() and "__pycache__" not in f.parts)


def digest(root: Path, recipe: Recipe, base: str) -> str:
    """Twelve hex digits that change when anything that the image is made from does.

    Raises FileNotFoundError when a copied path matches nothing."""
    text = (root / recipe.dockerfile).read_text()
    total = hashlib.sha256(repr((base, sorted(recipe.arguments.items()))).encode())
    for path in [recipe.dockerfile, *copied(text), *recipe.sources]:
        found = list(files(root, path))
        if not found:
            raise FileNotFoundError(f"{recipe.dockerfile} copies {path}, which does not exist")
        for file in found:
            total.update(f"{file.relative_to(root)}\0{file.stat().st_mode & 0o111}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:12]
