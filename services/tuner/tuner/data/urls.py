"""The names under which fetched files are stored. Pure."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
LONGEST = 120


def file_names(urls: Sequence[str]) -> list[str]:
    """One name for each of `urls`: its last path segment, made safe; unique without regard to
    case. The query string is no part of it."""
    names: list[str] = []
    taken: set[str] = set()
    for url in urls:
        wanted = PurePosixPath(_name(url))
        name, number = wanted.name, 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted.stem}-{number}{wanted.suffix}"
        taken.add(name.lower())
        names.append(name)
    return names


def shown(url: str) -> str:
    """`url` without user, password, query and fragment: those may be secrets."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _name(url: str) -> str:
    segment = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    safe = UNSAFE.sub("_", segment).lstrip("._-")
    return safe[-LONGEST:].lstrip("._-") or "data"
