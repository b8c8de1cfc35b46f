"""What the tokens of one choice mean, as they arrive: text, reasoning, and calls of tools."""

from collections.abc import Callable, Sequence

from model_server.engine import FinishReason
from model_server.text.detokenizer import ChoiceDetokenizer
from model_server.tool_calls.answer_parser import AnswerParser, AnswerParts


class ChoiceReader:
    """Reads one choice. `reasoning_tokens` counts the tokens in which the model thought."""

    def __init__(
        self,
        decode: Callable[[Sequence[int]], str],
        stops: Sequence[str],
        parser: AnswerParser,
        *,
        single_call: bool = False,
    ) -> None:
        self._text = ChoiceDetokenizer(decode, stops)
        self._parser = parser
        self._single_call = single_call
        self.reasoning_tokens = 0

    def add(
        self, tokens: Sequence[int], finish_reason: FinishReason | None
    ) -> tuple[AnswerParts, FinishReason | None]:
        """What these tokens complete and, if the choice ends, why."""
        parts = AnswerParts()
        # One by one, so that each counts where it belongs. The end of an answer has no token.
        for at in range(max(1, len(tokens))):
            last = at >= len(tokens) - 1
            new, reason = self._add(tokens[at : at + 1], finish_reason if last else None)
            parts += new
            if reason:
                return parts, reason
        return parts, None

    def _add(
        self, tokens: Sequence[int], finish_reason: FinishReason | None
    ) -> tuple[AnswerParts, FinishReason | None]:
        text, reason = self._text.add(tokens, finish_reason)
        thought = self._parser.is_thinking
        parts = self._parser.add(text, final=reason is not None)
        if thought or self._parser.is_thinking:
            self.reasoning_tokens += len(tokens)
        if self._parser.calls and (
            reason is FinishReason.STOP or (reason is None and self._single_call)
        ):
            reason = FinishReason.TOOL_CALLS
        return parts, reason
