"""A model's repository, as the hub's API describes it at one commit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_COMMIT = re.compile(r"[0-9a-f]{40}")
# The hub takes files of 500 GB. A number without a limit overflows the arithmetic.
_MAX_FILE_BYTES = 2**50


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """`sha256` is set for large files, whose digest the hub knows."""

    path: str
    size_bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """`commit` is what `requested` (a branch, a tag or a commit) meant when the hub was asked.

    `task` is what the hub lists the model as, for example text-generation; empty where it does
    not say.
    """

    name: str
    requested: str
    commit: str
    gated: bool = False
    task: str = ""
    license: str = ""
    files: tuple[RepositoryFile, ...] = ()

    def has(self, path: str) -> bool:
        return any(file.path == path for file in self.files)


def parse_repository(requested: str, document: object) -> Repository:
    """The repository in the API's answer about a revision of a model, with `blobs=true`.

    Raises:
        ValueError: it is no such answer; names the field.
    """
    if not isinstance(document, Mapping):
        raise ValueError("the answer is not a JSON object")
    name, commit = document.get("id"), document.get("sha")
    if not isinstance(name, str) or "/" not in name:
        raise ValueError(f"id is {name!r}, not organization/model")
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise ValueError(f"sha is {commit!r}, not a commit")
    siblings = document.get("siblings")
    if not isinstance(siblings, list):
        raise ValueError("siblings is not a list of files")
    return Repository(
        name=name,
        requested=requested,
        commit=commit,
        # False, or how the access is granted: "auto" or "manual".
        gated=bool(document.get("gated")),
        task=_text(document.get("pipeline_tag")),
        license=_license(document),
        files=tuple(_file(each) for each in siblings),
    )


def _file(sibling: object) -> RepositoryFile:
    if not isinstance(sibling, Mapping) or not isinstance(path := sibling.get("rfilename"), str):
        raise ValueError(f"siblings has {str(sibling)[:80]!r}, which is no file")
    lfs = sibling.get("lfs")
    large: Mapping[str, Any] = lfs if isinstance(lfs, Mapping) else {}
    size = sibling.get("size", large.get("size"))
    if not isinstance(size, int) or not 0 <= size <= _MAX_FILE_BYTES:
        raise ValueError(f"size of {path} is {repr(size)[:80]}, not a number of bytes")
    return RepositoryFile(path, size, _text(large.get("sha256")) or None)


def _license(document: Mapping[str, Any]) -> str:
    card = document.get("cardData")
    if not isinstance(card, Mapping):
        return ""
    # Licenses that the hub does not list are "other", with a name of their own.
    named = _text(card.get("license_name"))
    return named or _text(card.get("license"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
