"""The sources of a run's data: what the entries of tuning.input.urls lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kaito_training.data_access import find_access_problem
from tuner.sources.access_secret import AccessSecret
from tuner.sources.dataset_part import DatasetPart
from tuner.sources.http_source import http_files
from tuner.sources.hub import Hub, Read
from tuner.sources.source_url import SourceUrl, parse_source_url
from tuner.sources.ssrf_guard import SsrfGuard
from tuner.sources.urls import dataset_paths

if TYPE_CHECKING:
    from tuner.sources.object_store import ObjectStores

OBJECT_KINDS = frozenset({"s3", "az", "gs"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Finds the files that URLs lead to. `secret` opens them."""

    guard: SsrfGuard
    secret: AccessSecret = field(default_factory=AccessSecret)
    environ: Mapping[str, str] = field(default_factory=dict)
    """What the platform sets for workload identity."""

    def find(self, urls: Sequence[str], read: Read) -> list[DatasetPart]:
        """The files of `urls`. `read` reads a small file.

        Raises:
            RunError: DATA_UNREACHABLE or DATA_EMPTY.
        """
        sources = [parse_source_url(url) for url in urls]
        if self.secret.name and (problem := find_access_problem(urls, tuple(self.secret.values))):
            raise self.secret.unusable(problem)
        allow_http = self.guard.allow_private
        hub = Hub(secret=self.secret, environ=self.environ, allow_http=allow_http, read=read)
        parts = [hub.find(source) for source in sources if source.kind == "hf"]
        others = [source for source in sources if source.kind != "hf"]
        return [*parts, self._find_files(others)] if others else parts

    def _find_files(self, sources: Sequence[SourceUrl]) -> DatasetPart:
        allow_http = self.guard.allow_private
        over_http = [source for source in sources if source.kind == "http"]
        files = http_files(over_http, self.secret, allow_http=allow_http)
        roots = [file.address for file in files]
        listed = {file.address for file in files}
        for source in sources:
            if source.kind in OBJECT_KINDS:
                root, found = self._object_stores().find(source)
                roots.append(root)
                files += found
                listed |= {file.address for file in found if file.address == root}
        paths = dataset_paths([file.address for file in files], roots)
        return DatasetPart(
            address=roots[0] if len(roots) == 1 else "tuning.input.urls",
            files=tuple(replace(file, path=path) for file, path in zip(files, paths, strict=True)),
            listed=frozenset(
                path for file, path in zip(files, paths, strict=True) if file.address in listed
            ),
        )

    def _object_stores(self) -> "ObjectStores":
        # Imported here because most runs do without it.
        from tuner.sources.object_store import ObjectStores

        return ObjectStores(guard=self.guard, secret=self.secret, environ=self.environ)
