"""The forms of an entry of tuning.input.urls, beyond what the API server checks. Pure."""

import re
from urllib.parse import urlsplit

from kaito_training.data_access import KINDS, kind_of

DIGEST_MARK = "#sha256="
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
# Revisions of the hub itself contain slashes.
HUB = re.compile(
    r"hf://datasets/(?P<repository>[\w.-]+/[\w.-]+)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[^/]+|[^/]+))?(?:/(?P<path>.*))?"
)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}")
# CONTAINER, or CONTAINER@ACCOUNT.HOST as in Hadoop's URLs.
AZURE = re.compile(
    r"(?P<container>[a-z0-9$][a-z0-9-]{1,62})(?:@(?P<account>[a-z0-9]{3,24})\.[a-z0-9.-]+)?"
)
_GLOB = re.compile(r"[*?\[]")


def find_url_problem(url: str) -> str | None:
    """Why `url` cannot be a source of data, as the end of a sentence; None if it can."""
    address, mark, digest = url.partition(DIGEST_MARK)
    kind, parts = kind_of(address), urlsplit(address)
    if kind is None or not parts.netloc:
        schemes = ", ".join(f"{scheme}://" for scheme in KINDS)
        return f"is not a URL of a known kind; use one that starts with one of {schemes}"
    if mark and not _SHA256.fullmatch(digest):
        return f"does not end after {DIGEST_MARK} and 64 hexadecimal digits"
    if mark and kind != "http" and is_folder(address):
        return f"names several files, and {DIGEST_MARK} the digest of one; name the file itself"
    if kind == "hf" and HUB.fullmatch(address) is None:
        return "does not name a dataset of the hub; write hf://datasets/ORGANIZATION/NAME"
    if kind in ("s3", "gs") and not _BUCKET.fullmatch(parts.netloc):
        return f"has {parts.netloc!r} where the name of a bucket is expected; write {kind}://BUCKET"
    if kind == "az" and not AZURE.fullmatch(parts.netloc):
        return (
            f"has {parts.netloc!r} where a container is expected; write {parts.scheme}://CONTAINER "
            f"or {parts.scheme}://CONTAINER@ACCOUNT.dfs.core.windows.net"
        )
    return None


def is_folder(url: str) -> bool:
    """True if `url` may lead to several files: a pattern, or a path whose end has no suffix."""
    path = url.partition("://")[2].partition("/")[2]
    return bool(_GLOB.search(path)) or "." not in path.rpartition("/")[2]


def redact_url(url: str) -> str:
    """`url` without user, password and query, which may be secrets."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if kind_of(url) != "az":
        # In a URL of Azure, the part before the @ is the container.
        netloc = netloc.rpartition("@")[2]
    return parts._replace(netloc=netloc, query="", fragment="").geturl()
