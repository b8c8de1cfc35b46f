"""The paths that URLs have in the dataset that they make up. Pure."""

import re
from collections.abc import Sequence
from itertools import takewhile
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
# File systems allow 255 bytes; this leaves room for suffixes such as -2 and .part.
MAX_NAME_LENGTH = 120


def dataset_paths(urls: Sequence[str], roots: Sequence[str] | None = None) -> list[str]:
    """The path of each URL's file in the dataset that `urls` make up together, made safe: the
    folders below the one that all of them share, and the last segment, without the query string.

    The shared folders say where the dataset lies, not what it is: `https://host/test/train.jsonl`
    is no test data. `roots` are the URLs of the folders, which end with a slash, or of the files,
    that the user names; these are `urls` themselves if they are left out.
    """
    columns = zip(*(_folders(root) for root in (urls if roots is None else roots)), strict=False)
    shared = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, columns))
    return unique_paths(
        [
            # On several hosts, nothing says which folders belong to the dataset.
            "/".join([*(_folders(url)[shared:] if shared else ()), _last_segment(url)])
            for url in urls
        ]
    )


def unique_paths(paths: Sequence[str]) -> list[str]:
    """`paths`, made safe and unique even on file systems that ignore case."""
    unique: list[str] = []
    taken: set[str] = set()
    for path in paths:
        preferred = PurePosixPath(safe_path(path))
        name, number = preferred, 1
        while str(name).lower() in taken:
            number += 1
            name = preferred.with_name(f"{preferred.stem}-{number}{preferred.suffix}")
        taken.add(str(name).lower())
        unique.append(str(name))
    return unique


def safe_path(path: str) -> str:
    """`path` as one that is relative, leads nowhere else and has no hidden part."""
    segments = [_safe_segment(segment) for segment in path.split("/")]
    return "/".join(segment for segment in segments if segment) or "data"


def _folders(url: str) -> list[str]:
    """The host and the folders of the path."""
    parts = urlsplit(url)
    return [parts.netloc, *(unquote(part) for part in parts.path.split("/")[1:-1])]


def _last_segment(url: str) -> str:
    return unquote(urlsplit(url).path).rstrip("/").rpartition("/")[2]


def _safe_segment(segment: str) -> str:
    # A name with a leading dot would be hidden and skipped when the dataset is listed.
    safe = UNSAFE.sub("_", segment).lstrip("._-")
    # Keep the end of a long name: it holds the suffix, which tells the file format.
    return safe[-MAX_NAME_LENGTH:].lstrip("._-")
