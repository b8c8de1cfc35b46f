"""The events of one streamed answer as deltas of one choice. Pure.

An event is a token; the last one has the whole text and why the answer ended. A server may break
its API in any way: what cannot be read is an error, and never the end of an answer.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from model_server.engine import Delta, FinishReason, TokenLogprob, Usage
from model_server.engine_server.unreadable import UNREADABLE
from model_server.errors import GenerationFailed, InferenceError
from model_server.options import GenerationOptions
from model_server.text.detokenizer import StopStringMatcher
from model_server.text_generation_server import rejections

_FINISH_REASONS = {
    "length": FinishReason.LENGTH,
    "eos_token": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
}


class DescribeToken(Protocol):
    """The token of an event, with the likeliest ones in its place."""

    def __call__(
        self, token: int, logprob: float | None, top: list[tuple[int, float]]
    ) -> TokenLogprob: ...


class ChoiceParser:
    """Collects what the end of one choice needs.

    The server's text has the stop string, which ours has not. A stop string in the middle of a
    token does not end the server's answer, but it ends ours: then `is_done` before the last event.
    """

    def __init__(
        self,
        index: int,
        options: GenerationOptions,
        describe_token: DescribeToken | None,
        *,
        field: str,
    ) -> None:
        """`field` of the request is blamed where the server rejects it and names none.

        `describe_token` may be None where no log probabilities are requested.
        """
        self._index = index
        self._options = options
        self._describe = describe_token
        self._field = field
        self._matcher = StopStringMatcher(options.stop)
        self._received = ""
        self._tokens = 0
        self._counted = 0
        self._has_begun = False
        self._reason: FinishReason | None = None
        self._held = Delta(index=index, text="")
        self.prompt_tokens: int | None = None

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be read."""
        return self._reason is not None

    def parse(self, event: Mapping[str, Any]) -> Delta | None:
        """What an event adds; None if that is nothing yet, or the end.

        Raises:
            GenerationFailed: it is no event of such an answer, or the server gave up.
            InvalidRequest: the server rejects the request, in place of an answer.
            Overloaded: the server is full.
        """
        try:
            if "error" in event:
                raise self._error(event)
            return self._parse_token(event)
        except UNREADABLE as cause:
            raise GenerationFailed(
                f"the engine's answer is not that of a text-generation-server: {cause!r}"
            ) from cause

    def end(self, prompt_tokens: int) -> Delta:
        """The last delta, once the stream has ended.

        Raises:
            GenerationFailed: it ended in the middle of the answer.
        """
        if self._reason is None:
            raise GenerationFailed("the engine's stream ended in the middle of the answer")
        return Delta(
            index=self._index,
            text=self._held.text,
            token_count=max(0, self._tokens - self._counted),
            finish_reason=self._reason,
            usage=Usage(prompt_tokens=prompt_tokens, completion_tokens=self._tokens),
            logprobs=self._held.logprobs,
            token_ids=self._held.token_ids,
        )

    def _parse_token(self, event: Mapping[str, Any]) -> Delta | None:
        token = event["token"]
        self._tokens += 1
        # Special tokens are no part of the text.
        new = "" if token["special"] else str(token["text"])
        if (whole := event.get("generated_text")) is not None:
            self._finish(event["details"])
            # The last character may be incomplete, and then only the whole text has it.
            if str(whole).startswith(self._received):
                new = str(whole)[len(self._received) :]
        self._received += new
        text, stopped = self._matcher.add(new)
        if stopped:
            self._reason = FinishReason.STOP
        elif self._reason:
            text += self._matcher.flush()
        delta = Delta(
            index=self._index,
            text=text,
            token_count=1 if text else 0,
            logprobs=self._logprobs(event),
            token_ids=(int(token["id"]),) if self._options.return_token_ids else (),
        )
        if self._reason:
            self._held = delta
            return None
        if not (delta.text or delta.logprobs or delta.token_ids):
            return None
        self._counted += delta.token_count
        self._has_begun = True
        return delta

    def _finish(self, details: Mapping[str, Any]) -> None:
        reason = details["finish_reason"]
        if reason not in _FINISH_REASONS:
            raise GenerationFailed(f"the engine ended the answer with {reason!r:.40}")
        self._reason = _FINISH_REASONS[reason]
        self._tokens = int(details["generated_tokens"])
        # Versions before 2.2 do not tell it.
        if "input_length" in details:
            self.prompt_tokens = int(details["input_length"])

    def _logprobs(self, event: Mapping[str, Any]) -> tuple[TokenLogprob, ...]:
        if not self._options.logprobs or self._describe is None:
            return ()
        top = [(int(each["id"]), float(each["logprob"])) for each in event.get("top_tokens") or ()]
        top.sort(key=lambda each: -each[1])
        token, logprob = event["token"], event["token"]["logprob"]
        likeliest = top[: self._options.top_logprobs or 0]
        return (
            self._describe(
                int(token["id"]), None if logprob is None else float(logprob), likeliest
            ),
        )

    def _error(self, event: Mapping[str, Any]) -> InferenceError:
        found = rejections.of_event(event, self._field)
        # Part of an answer cannot be taken back.
        if self._has_begun and not isinstance(found, GenerationFailed):
            return GenerationFailed(f"the engine gave up the answer: {found.message}")
        return found
