"""Recognizes JSON documents that are given for a dataset and hold no rows."""

import json
from typing import Any

from tuner.formats.label import FileLabel, excerpt

ERROR_KEYS = frozenset({"error", "errors", "message", "detail", "error_description", "Message"})
BESIDE_AN_ERROR = frozenset(
    "code Code status statusCode documentation_url request_id requestId RequestId path timestamp "
    "type title trace_id traceId instance success".split()
)
# The longest answer of a server that is taken for an error.
LONGEST_ERROR = 16 * 1024


def check_json(text: str, label: FileLabel) -> None:
    """Check that the JSON document `text` is neither an error nor describes a dataset.

    Raises:
        RunError: DATA_UNREADABLE.
    """
    if len(text) > LONGEST_ERROR:
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return
    if not isinstance(value, dict):
        return
    keys = value.keys()
    if keys & ERROR_KEYS and keys <= ERROR_KEYS | BESIDE_AN_ERROR:
        raise label.fault(
            f"is an error message of the server: {excerpt(_message(value), 200)}",
            "correct the address or its access (a token), and fetch it again",
        )
    if "_fingerprint" in keys or ("features" in keys and keys & {"splits", "builder_name"}):
        raise label.fault(
            "describes a dataset that the library `datasets` has written, and holds no rows",
            "provide the .arrow or .parquet files beside it",
        )


def _message(value: Any) -> str:
    """The most telling text of an error document."""
    for key in ("message", "Message", "error_description", "detail", "error", "errors"):
        if isinstance(value, dict) and value.get(key):
            return _message(value[key])
    return value if isinstance(value, str) else json.dumps(value)
