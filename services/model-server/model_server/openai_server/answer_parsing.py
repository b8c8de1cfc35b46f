"""The chunks of a streamed OpenAI answer as deltas. Pure.

A server of another make may break the API in any way: what cannot be read is an error, and never
the end of an answer.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from model_server.engine import Delta, FinishReason, ToolCallDelta, Usage
from model_server.engine_server.unreadable import UNREADABLE
from model_server.errors import GenerationFailed, InferenceError
from model_server.openai_server import rejections

_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
}


# Adds to a delta what a server tells of its tokens, from the chunk and the choice in it.
DescribeTokens = Callable[[Delta, Mapping[str, Any], Mapping[str, Any]], Delta]


class AnswerParser:
    """Collects what the end of one answer needs: its choices' ends, and the tokens.

    The last delta of an answer has the usage, which servers send after it, so it is held back.
    """

    def __init__(
        self,
        choices: int,
        describe_tokens: DescribeTokens | None = None,
        *,
        field: str = "input",
    ) -> None:
        """`field` of the request is blamed where the server rejects it and names none."""
        self._field = field
        self._has_begun = False
        self._describe_tokens = describe_tokens
        self._open = set(range(choices))
        self._with_calls: set[int] = set()
        self._usage: Usage | None = None
        self._token_count = 0
        self._final: Delta | None = None

    def parse(self, chunk: Mapping[str, Any]) -> Iterator[Delta]:
        """The deltas of one chunk.

        Raises:
            GenerationFailed: it is no chunk of an answer to this request, or the server gave up.
            InvalidRequest: the server rejects the request, in place of an answer.
            Overloaded: the server is full.
        """
        try:
            if error := chunk.get("error"):
                raise self._error(error)
            if usage := chunk.get("usage"):
                self._usage = _usage(usage)
            for choice in chunk.get("choices") or ():
                delta = self._delta(choice)
                if self._describe_tokens:
                    delta = self._describe_tokens(delta, chunk, choice)
                self._token_count += delta.token_count
                if not self._open:
                    self._final = delta
                # A chunk may have nothing but a role, or a part of a character.
                elif _has_content(delta):
                    self._has_begun = True
                    yield delta
        except UNREADABLE as cause:
            raise GenerationFailed(
                f"the engine's answer does not follow the OpenAI API: {cause!r}"
            ) from cause

    def end(self) -> Delta:
        """The last delta, once the stream has ended.

        Raises:
            GenerationFailed: a choice has not ended, or the server did not count the tokens.
        """
        if self._final is None:
            raise GenerationFailed("the engine's stream ended in the middle of the answer")
        if self._usage is None:
            raise GenerationFailed("the engine's stream ended without the number of tokens")
        uncounted = self._usage.completion_tokens - self._token_count
        return replace(
            self._final,
            usage=self._usage,
            token_count=self._final.token_count + max(0, uncounted),
        )

    def _error(self, error: object) -> InferenceError:
        found = rejections.of_event(error, self._field)
        # Part of an answer cannot be taken back.
        if self._has_begun and not isinstance(found, GenerationFailed):
            return GenerationFailed(f"the engine gave up the answer: {found.message}")
        return found

    def _delta(self, choice: Mapping[str, Any]) -> Delta:
        index = int(choice["index"])
        reason = choice.get("finish_reason")
        if index not in self._open:
            raise GenerationFailed(f"the engine continues choice {index}, which has ended")
        if reason is not None:
            if reason not in _FINISH_REASONS:
                raise GenerationFailed(f"the engine ended the answer with {reason!r:.40}")
            self._open.remove(index)
        # A completion has its text in the choice itself, a whole answer of a chat in a message.
        part: Mapping[str, Any] = (
            choice.get("delta") or choice.get("message") or {"content": choice.get("text")}
        )
        text = part.get("content") or ""
        calls: tuple[ToolCallDelta, ...] = ()
        if found := part.get("tool_calls"):
            calls = tuple(_tool_call(place, call) for place, call in enumerate(found))
            self._with_calls.add(index)
        finish_reason = _FINISH_REASONS.get(reason) if reason else None
        # OpenAI's reason of a call that the request demanded by name.
        if finish_reason is FinishReason.STOP and index in self._with_calls:
            finish_reason = FinishReason.TOOL_CALLS
        return Delta(
            index=index,
            text=text,
            # Servers send a chunk per token, or per few of them; the usage corrects the count.
            token_count=1 if text else 0,
            finish_reason=finish_reason,
            tool_calls=calls,
            reasoning=part.get("reasoning") or part.get("reasoning_content") or "",
        )


def _has_content(delta: Delta) -> bool:
    """Whether anything is to be told. Asked of every chunk, thus field by field."""
    return bool(
        delta.text
        or delta.finish_reason
        or delta.token_ids
        or delta.logprobs
        or delta.reasoning
        or delta.tool_calls
        or delta.prompt_token_ids
        or delta.prompt_logprobs
    )


def _tool_call(place: int, call: Mapping[str, Any]) -> ToolCallDelta:
    function: Mapping[str, Any] = call.get("function") or {}
    return ToolCallDelta(
        # Only parts of a streamed call are numbered.
        index=int(call.get("index", place)),
        id=call.get("id") or "",
        name=function.get("name") or "",
        arguments=function.get("arguments") or "",
    )


def _usage(usage: Mapping[str, Any]) -> Usage:
    prompt = usage.get("prompt_tokens_details") or {}
    completion = usage.get("completion_tokens_details") or {}
    return Usage(
        prompt_tokens=int(usage["prompt_tokens"]),
        completion_tokens=int(usage["completion_tokens"]),
        cached_tokens=int(prompt.get("cached_tokens") or 0),
        reasoning_tokens=int(completion.get("reasoning_tokens") or 0),
    )
