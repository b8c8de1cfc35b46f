"""Splits an answer into text and calls of tools, as it arrives."""

import json
from collections.abc import Callable, Collection
from typing import Any

from model_server.engine import ToolCallDelta
from model_server.tool_calls.call_format import CallFormat
from model_server.tool_calls.json_object import JsonObjectReader

Part = str | ToolCallDelta


class CallParser:
    """Reads one answer in one format.

    Only tools that the request has are called; anything else that looks like a call is text. If the
    answer is `constrained` to valid calls, their arguments are passed on as they arrive. Otherwise
    they are held back until they are known to be a JSON object: they may turn out to be text.
    """

    def __init__(
        self,
        call_format: CallFormat,
        names: Collection[str],
        *,
        constrained: bool,
        new_id: Callable[[], str],
    ) -> None:
        self._format = call_format
        self._names = names
        self._constrained = constrained
        self._new_id = new_id
        self._parts: list[Part] = []
        # What arrived and may still become part of a call.
        self._held = ""
        # Whitespace that is dropped if a call follows, or precedes it.
        self._space = ""
        self._sent_text = self._follows_call = False
        self._read: Callable[[bool], bool] = self._read_text
        # The call that is being read: its name, its text up to the arguments, and these so far.
        self._name = self._before_arguments = self._arguments = ""
        self._reader = JsonObjectReader()
        self.calls = 0

    def add(self, text: str) -> list[Part]:
        """The text and the parts of calls that this text completes."""
        return self._advance(text, final=False)

    def flush(self) -> list[Part]:
        """What is held back, at the end of the answer."""
        parts = self._advance("", final=True)
        if self._space and not self._follows_call:
            parts.append(self._space)
        return parts

    def _advance(self, text: str, final: bool) -> list[Part]:
        self._held += text
        while self._read(final):
            pass
        parts, self._parts = self._parts, []
        return parts

    # Each of the readers takes what it can from `_held`, and returns whether another may go on.

    def _read_text(self, final: bool) -> bool:
        head = self._find_head(final)
        if head is None:
            return self._send_text(len(self._held))
        if head.partial:
            return self._send_text(head.start())
        if head["name"] not in self._names:
            self._send_text(head.start() + 1)
            return True
        self._send_text(head.start())
        return self._begin_call(head)

    def _find_head(self, final: bool) -> Any:
        """The first head of a call, or what may become one."""
        if self._format.anchored:
            if self._sent_text or self.calls:
                return None
            self._held = self._held.lstrip()
        found = []
        for syntax in self._format.syntaxes:
            search = syntax.head.match if self._format.anchored else syntax.head.search
            if match := search(self._held, partial=not final):
                found.append(match)
        return min(found, key=lambda match: (match.start(), match.partial), default=None)

    def _begin_call(self, head: Any) -> bool:
        self._held = self._held[len(head[0]) :]
        self._name, self._before_arguments = head["name"], head[0]
        self._arguments, self._reader = "", JsonObjectReader()
        self._read = self._read_arguments
        self._space = ""
        if self._constrained:
            self._send_call("")
        return True

    def _read_arguments(self, final: bool) -> bool:
        if not self._arguments:
            kept = self._held.lstrip()
            self._before_arguments += self._held[: len(self._held) - len(kept)]
            self._held = kept
        length = self._reader.add(self._held)
        fragment, self._held = self._held[:length], self._held[length:]
        self._arguments += fragment
        if self._constrained:
            if fragment:
                self._parts.append(ToolCallDelta(index=self.calls, arguments=fragment))
        elif self._reader.failed or (final and not self._reader.closed):
            return self._reject_call()
        if not self._reader.closed:
            return False
        if not self._constrained:
            if not _is_object(self._arguments):
                return self._reject_call()
            self._send_call(self._arguments)
        self.calls += 1
        self._follows_call = True
        self._read = self._read_after_call
        return True

    def _read_after_call(self, final: bool) -> bool:
        """The next call of a list, or what ends it."""
        heads, tails = [], []
        for syntax in self._format.syntaxes:
            if match := syntax.next_head.match(self._held, partial=True):
                heads.append(match)
            if match := syntax.tail.match(self._held, partial=True):
                tails.append(match)
        head = next((match for match in heads if not match.partial), None)
        if head and head["name"] in self._names:
            return self._begin_call(head)
        if not final and any(match.partial for match in heads + tails):
            return False
        # At the end of an answer, an unfinished tail counts as a tail.
        self._held = self._held[max((match.end() for match in tails), default=0) :]
        self._read = self._read_text
        return True

    def _reject_call(self) -> bool:
        """What looked like a call is text."""
        self._held = self._before_arguments + self._arguments + self._held
        self._read = self._read_text
        # Behind the first character, so that the same head is not found again.
        self._send_text(1)
        return True

    def _send_call(self, arguments: str) -> None:
        self._parts.append(
            ToolCallDelta(index=self.calls, id=self._new_id(), name=self._name, arguments=arguments)
        )

    def _send_text(self, length: int) -> bool:
        """Send this much of what is held, but for the whitespace at its end."""
        text, self._held = self._space + self._held[:length], self._held[length:]
        kept = text.rstrip()
        self._space = text[len(kept) :]
        if self._follows_call:
            kept = kept.lstrip()
        if kept:
            self._parts.append(kept)
            self._sent_text, self._follows_call = True, False
        return False


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    # Nested too deeply, or an integer of thousands of digits.
    except (ValueError, RecursionError):
        return False
