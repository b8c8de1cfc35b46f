"""Remote files for tests."""

from typing import Any

from kaito_training.data_urls import redact_url
from tuner.sources.remote_file import RemoteFile, Request


def remote_file(url: str, **changes: Any) -> RemoteFile:
    """The file at `url`, which needs no credentials."""
    given: dict[str, Any] = {
        "address": redact_url(url),
        "identity": url,
        "path": "x",
        "request": lambda: Request(url),
    }
    return RemoteFile(**{**given, **changes})
