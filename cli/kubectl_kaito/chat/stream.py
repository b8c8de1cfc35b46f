"""Reads the answer of the OpenAI API as it streams. Pure."""

import json
from collections.abc import Iterable, Iterator

from kubectl_kaito.errors import CommandError

_PREFIX = "data:"
_END = "[DONE]"


def deltas(lines: Iterable[str]) -> Iterator[str]:
    """The pieces of text, as they come.

    Raises:
        CommandError: the model reports an error, or the stream ends before its end.
    """
    for line in lines:
        if not line.startswith(_PREFIX):
            continue
        data = line.removeprefix(_PREFIX).strip()
        if data == _END:
            return
        try:
            event = json.loads(data)
        except ValueError:
            raise CommandError(f"the model's answer is not JSON: {data[:200]}") from None
        if error := event.get("error"):
            message = error.get("message") if isinstance(error, dict) else error
            raise CommandError(f"the model reports an error: {message}")
        for choice in event.get("choices") or ():
            if text := (choice.get("delta") or {}).get("content"):
                yield str(text)
    raise CommandError("the model's answer ended in the middle: ask again")
