"""The inputs of an image, and their digest. Reads files and runs nothing."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_COPY = re.compile(r"^COPY\s+(?!--from)(?P<paths>.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One image: its Dockerfile, its repository, and inputs that the Dockerfile does not name.

    `arguments` are build arguments. `contexts` are the names of additional build contexts: folders
    whose content is generated from the files in `sources`.
    """

    name: str
    repository: str
    dockerfile: str
    tag: str | None = None
    arguments: dict[str, str] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


def copied(dockerfile: str) -> list[str]:
    """The paths, relative to the context, that a Dockerfile's COPY instructions read.

    Copies from other stages and contexts are not included.
    """
    words = [match.group("paths").split() for match in _COPY.finditer(dockerfile)]
    return sorted({path for line in words for path in line[:-1]})


def files(root: Path, path: str) -> Iterator[Path]:
    """The files below a path or a pattern, sorted, without Python bytecode."""
    for match in sorted(root.glob(path.rstrip("/"))):
        candidates = sorted(match.rglob("*")) if match.is_dir() else [match]
        yield from (f for f in candidates if f.is_file() and "__pycache__" not in f.parts)


def digest(root: Path, recipe: Recipe, base: str) -> str:
    """Twelve hex digits that change with any input of the image.

    Raises:
        FileNotFoundError: a copied path matches no file.
    """
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
