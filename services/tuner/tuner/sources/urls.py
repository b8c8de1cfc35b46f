"""What follows from a data URL: the name of the stored file, and a form that is safe to log."""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# File systems allow 255 bytes; this leaves room for suffixes such as -2 and .part.
MAX_NAME_LENGTH = 120


def stored_names(urls: Sequence[str]) -> list[str]:
    """One file name for each URL: the last segment of its path, made safe.

    The names are unique even on file systems that ignore case, and leave the query string out.
    """
    names: list[str] = []
    taken: set[str] = set()
    for url in urls:
        preferred = PurePosixPath(_file_name(url))
        name, number = preferred.name, 1
        while name.lower() in taken:
            number += 1
            name = f"{preferred.stem}-{number}{preferred.suffix}"
        taken.add(name.lower())
        names.append(name)
    return names


def redact_url(url: str) -> str:
    """`url` without user, password, query and fragment, which may be secrets."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _file_name(url: str) -> str:
    segment = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    # A name with a leading dot would be hidden and skipped when the dataset is listed.
    safe = UNSAFE.sub("_", segment).lstrip("._-")
    # Keep the end of a long name: it holds the suffix, which tells the file format.
    return safe[-MAX_NAME_LENGTH:].lstrip("._-") or "data"
