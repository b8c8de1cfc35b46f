"""The sources of a run's data: what the entries of tuning.input.urls lead to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kaito_training.data_access import find_access_problem
from tuner.sources.access_secret import AccessSecret
from tuner.sources.dataset_part import DatasetPart
from tuner.sources.http_client import data_unreachable
from tuner.sources.http_source import http_files
from tuner.sources.source_url import parse_source_url
from tuner.sources.ssrf_guard import SsrfGuard
from tuner.sources.urls import dataset_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Finds the files that URLs lead to. `secret` opens them."""

    guard: SsrfGuard
    secret: AccessSecret = field(default_factory=AccessSecret)
    environ: Mapping[str, str] = field(default_factory=dict)
    """What the platform sets for workload identity."""

    def find(self, urls: Sequence[str]) -> list[DatasetPart]:
        """The files of `urls`.

        Raises:
            RunError: DATA_UNREACHABLE.
        """
        sources = [parse_source_url(url) for url in urls]
        if self.secret.name and (problem := find_access_problem(urls, tuple(self.secret.values))):
            raise self.secret.unusable(problem)
        for source in sources:
            if source.kind != "http":
                problem = "only http and https URLs are supported"
                raise data_unreachable(source.url, problem, retryable=False)
        paths = dataset_paths([source.url for source in sources])
        files = http_files(sources, paths, self.secret, allow_http=self.guard.allow_private)
        return [DatasetPart(files=tuple(files), listed=frozenset(paths))]
