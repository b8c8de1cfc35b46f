"""The files of a dataset on the Hugging Face hub, or on a server that speaks its API.

One request lists a revision; the files are then fetched by the revision's commit, as any other URL
is. The client of huggingface_hub is not used: it connects to whatever a name resolves to at that
moment, and the SsrfGuard needs the connection to go to the address that was checked.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from fsspec.utils import glob_translate

from kaito_training.data_access import keys_used
from kaito_training.data_urls import HUB
from tuner.errors import RunError
from tuner.reasons import Reason
from tuner.sources.access_secret import AccessSecret
from tuner.sources.dataset_part import DatasetPart
from tuner.sources.remote_file import RemoteFile, Request
from tuner.sources.source_url import SourceUrl
from tuner.sources.unreachable import Hint, data_unreachable

ENDPOINT = "https://huggingface.co"
DEFAULT_REVISION = "main"
REFUSAL = Hint(
    "so there is no such dataset or revision, or it is private or gated",
    "check the name; for a gated dataset, accept its terms on the hub and name a Secret with a "
    "token under HF_TOKEN in tuning.input.accessSecret",
)
Read = Callable[[RemoteFile], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """Finds the files of datasets. `allow_http` permits that the token is sent without TLS."""

    secret: AccessSecret
    environ: Mapping[str, str]
    allow_http: bool
    read: Read

    def find(self, source: SourceUrl) -> DatasetPart:
        """The files of the dataset, folder, pattern, file or configuration that `source` names.

        Raises:
            RunError: DATA_UNREACHABLE, or DATA_EMPTY if nothing matches a pattern.
        """
        named = HUB.fullmatch(source.url)
        assert named is not None, "the form of a hub URL is checked before"
        repository, path = named["repository"], (named["path"] or "").strip("/")
        revision = named["revision"] or DEFAULT_REVISION
        root = source.url[: named.end("revision" if named["revision"] else "repository")]
        listing = self._file(
            root, f"/api/datasets/{repository}/revision/{quote(revision, safe='')}?blobs=true"
        )
        commit, siblings = _parse_listing(listing, self.read(listing))
        prefix = f"/datasets/{repository}/resolve/{commit}/"
        files = {
            name: self._file(
                f"{root}/{name}",
                prefix + quote(name),
                identity=f"hf://datasets/{repository}@{commit}/{name}",
                sha256=(sibling.get("lfs") or {}).get("sha256"),
                size=sibling.get("size"),
            )
            for sibling in siblings
            if not re.search(r"(^|/)\.", name := str(sibling.get("rfilename", "")))
        }
        return _select(source, files, path)

    def _file(self, address: str, path: str, **known: Any) -> RemoteFile:
        endpoint = self.secret.values.get("HF_ENDPOINT") or self.environ.get("HF_ENDPOINT", "")
        endpoint = endpoint.rstrip("/") or ENDPOINT
        keys = keys_used("hf", tuple(self.secret.values))
        if keys and not self.allow_http and not endpoint.startswith("https://"):
            problem = f"{self.secret.describe(keys)} would be sent without TLS"
            remedy = "use an https URL in HF_ENDPOINT"
            raise data_unreachable(address, problem, remedy, retryable=False)
        token = {"Authorization": f"Bearer {self.secret.values[keys[0]]}"} if keys else {}
        request = Request(endpoint + path, token)
        given: dict[str, Any] = {"identity": address, **known}
        return RemoteFile(
            address=address,
            path=address,
            request=lambda: request,
            credential=self.secret.describe(keys) if keys else "",
            refusal=REFUSAL,
            **given,
        )


def _parse_listing(listing: RemoteFile, content: bytes) -> tuple[str, Sequence[Mapping[str, Any]]]:
    try:
        document = json.loads(content)
        return str(document["sha"]), list(document["siblings"])
    except (ValueError, KeyError, TypeError) as error:
        problem = "the server's answer is not the hub's list of a dataset's files"
        remedy = "check HF_ENDPOINT"
        raise data_unreachable(listing.address, problem, remedy, retryable=False) from error


def _select(source: SourceUrl, files: Mapping[str, RemoteFile], path: str) -> DatasetPart:
    if path in files:
        file = _named(files[path], path.rpartition("/")[2], source)
        return DatasetPart(address=source.url, files=(file,), listed=frozenset({file.path}))
    if re.search(r"[*?\[]", path):
        matches = re.compile(glob_translate(path)).match
        chosen = {name: file for name, file in files.items() if matches(name)}
        if not chosen:
            raise RunError(
                Reason.DATA_EMPTY,
                f"{source.url} leads to no file of the {len(files)} that the dataset has; check "
                "tuning.input.urls",
            )
        return _part(source, chosen)
    below = {
        name.removeprefix(f"{path}/"): file
        for name, file in files.items()
        if name.startswith(f"{path}/")
    }
    if path and not below:
        return replace(_part(source, files), configuration=path)
    return _part(source, below or files)


def _part(source: SourceUrl, files: Mapping[str, RemoteFile]) -> DatasetPart:
    return DatasetPart(
        address=source.url, files=tuple(_named(file, name) for name, file in files.items())
    )


def _named(file: RemoteFile, path: str, source: SourceUrl | None = None) -> RemoteFile:
    digest = source.sha256 if source is not None and source.sha256 else file.sha256
    return replace(file, path=path, sha256=digest)
