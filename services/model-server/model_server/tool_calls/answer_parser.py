"""Splits an answer into what the model thinks, the text, and calls of tools, as it arrives."""

from dataclasses import dataclass

from model_server.engine import ToolCallDelta
from model_server.tool_calls.call_parser import CallParser
from model_server.tool_calls.reasoning import ReasoningParser


@dataclass(frozen=True, slots=True)
class AnswerParts:
    """What new text of an answer turned out to be."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()

    def __add__(self, later: "AnswerParts") -> "AnswerParts":
        return AnswerParts(
            self.text + later.text,
            self.reasoning + later.reasoning,
            self.tool_calls + later.tool_calls,
        )


class AnswerParser:
    """Reads one answer of a conversation. Without its parsers all of it is text."""

    def __init__(self, reasoning: ReasoningParser | None, calls: CallParser | None) -> None:
        self._reasoning = reasoning
        self._calls = calls

    @property
    def is_thinking(self) -> bool:
        """Whether what comes next is reasoning, as far as is known."""
        return self._reasoning is not None and self._reasoning.is_thinking

    @property
    def calls(self) -> int:
        """The number of complete calls."""
        return self._calls.calls if self._calls else 0

    def add(self, text: str, *, final: bool) -> AnswerParts:
        """The parts that this text completes; `final` text is the last."""
        thought, rest = "", text
        if self._reasoning:
            thought, rest = self._reasoning.add(text)
            if final:
                more_thought, more = self._reasoning.flush()
                thought, rest = thought + more_thought, rest + more
        if self._calls is None:
            return AnswerParts(rest, thought)
        parts = self._calls.add(rest)
        if final:
            parts += self._calls.flush()
        return AnswerParts(
            "".join(part for part in parts if isinstance(part, str)),
            thought,
            tuple(part for part in parts if isinstance(part, ToolCallDelta)),
        )
