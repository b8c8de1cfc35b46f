"""Finds the tokens that an engine counted, in what it answers. Pure.

Both a whole answer and a stream have them at their end, so the last bytes are enough.
"""

import json
import re

from kaito.inference.v1 import inference_pb2 as pb

# A usage with all of its details has some hundreds of bytes.
_KEPT_BYTES = 4096
# Cohere's embeddings have the second.
_USAGE = re.compile(rb'"(?:usage|billed_units)"\s*:\s*\{')
# OpenAI's chat completions and its responses differ.
_PROMPT_NAMES = ("prompt_tokens", "input_tokens")
_COMPLETION_NAMES = ("completion_tokens", "output_tokens")
# Texts within JSON have no line ends. The first event of a stream has no token yet.
_NEXT_EVENT = b"\ndata:"


class UsageScan:
    """Keeps the end of a body. `events` of a stream have come after the first one."""

    def __init__(self) -> None:
        self._end = b""
        self.events = 0

    def add(self, part: bytes) -> None:
        """The next part of the body."""
        self.events += (self._end[1 - len(_NEXT_EVENT) :] + part).count(_NEXT_EVENT)
        self._end = (self._end + part)[-_KEPT_BYTES:]

    def usage(self) -> pb.Usage | None:
        """The tokens that the body told last; None if it has told none."""
        for found in reversed(list(_USAGE.finditer(self._end))):
            # The usage is followed by the rest of the answer.
            text = self._end[found.end() - 1 :].decode(errors="replace")
            try:
                usage, _ = json.JSONDecoder().raw_decode(text)
            # Nested too deeply, or cut off.
            except (ValueError, RecursionError):
                continue
            prompt, completion = _count(usage, _PROMPT_NAMES), _count(usage, _COMPLETION_NAMES)
            if prompt or completion:
                return pb.Usage(prompt_tokens=prompt, completion_tokens=completion)
            return None
        return None


def _count(usage: dict[str, object], names: tuple[str, ...]) -> int:
    values = (usage.get(name) for name in names)
    # A boolean is an int for Python, and none for the contract.
    return next((value for value in values if type(value) is int and 0 <= value < 2**32), 0)
