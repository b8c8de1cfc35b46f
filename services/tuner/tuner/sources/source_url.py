"""An entry of tuning.input.urls, taken apart. Pure."""

from dataclasses import dataclass

from kaito_training.data_access import kind_of
from kaito_training.data_urls import DIGEST_MARK, find_url_problem, redact_url
from tuner.errors import RunError
from tuner.reasons import Reason


@dataclass(frozen=True, slots=True)
class SourceUrl:
    """`url` is without the digest, `sha256` in small letters. For `kind`, see `data_access`."""

    url: str
    kind: str
    sha256: str | None = None


def parse_source_url(text: str) -> SourceUrl:
    """The entry `text`.

    Raises:
        RunError: DATA_UNREACHABLE, it has no form of a source.
    """
    url, _, digest = text.partition(DIGEST_MARK)
    kind = kind_of(url)
    if (problem := find_url_problem(text)) is not None or kind is None:
        raise RunError(
            Reason.DATA_UNREACHABLE,
            f"entry {redact_url(text)!r} of tuning.input.urls {problem}",
            retryable=False,
        )
    return SourceUrl(url, kind, digest.lower() or None)
