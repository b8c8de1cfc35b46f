"""What follows from data URLs: names of files, and a form that is safe to log. Pure."""

import re
from collections.abc import Sequence
from itertools import takewhile
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


def dataset_paths(urls: Sequence[str]) -> list[str]:
    """The path of each URL's file in the dataset that `urls` make up together: the folders below
    the one that all of them share, and the stored name.

    The shared folders say where the dataset lies, not what it is: `https://host/test/train.jsonl`
    is no test data.
    """
    folders = [_folders(url) for url in urls]
    columns = zip(*folders, strict=False)
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    return [
        # On several hosts, nothing says which folders belong to the dataset.
        "/".join((*(parts[shared:] if shared else ()), name))
        for parts, name in zip(folders, stored_names(urls), strict=True)
    ]


def redact_url(url: str) -> str:
    """`url` without user, password, query and fragment, which may be secrets."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _folders(url: str) -> list[str]:
    """The host and the folders of the path."""
    parts = urlsplit(url)
    return [parts.netloc, *(unquote(part) for part in parts.path.split("/")[1:-1])]


def _file_name(url: str) -> str:
    segment = unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]
    # A name with a leading dot would be hidden and skipped when the dataset is listed.
    safe = UNSAFE.sub("_", segment).lstrip("._-")
    # Keep the end of a long name: it holds the suffix, which tells the file format.
    return safe[-MAX_NAME_LENGTH:].lstrip("._-") or "data"
