"""The events of a streamed answer of the text-generation-inference API."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from inference_gateway.formats.openai_response import event, to_json
from inference_gateway.formats.tgi_tokens import token_object, top_tokens
from inference_gateway.formats.token_places import PlacedToken, TokenPlaces
from kaito.inference.v1 import inference_pb2 as pb

_Event = dict[str, Any]


@dataclass(slots=True)
class TgiEventEncoder:
    """Renders one event for each token, or for each delta if there are no log probabilities.

    The last event has the whole text, which starts with `prefix`, and the details.
    """

    prefix: str
    details: Callable[[int, pb.Usage], _Event]
    _index: int = 0
    _texts: list[str] = field(default_factory=list)
    _places: TokenPlaces = field(default_factory=TokenPlaces)
    _held: _Event | None = None
    _finish_reason: int = pb.FINISH_REASON_UNSPECIFIED

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        self._texts.append(message.text)
        if message.finish_reason:
            self._finish_reason = message.finish_reason
        data = b"".join(self._replace_held(each) for each in self._events(message))
        # The answer's last event waits for the details: they count the tokens, which the stream's
        # end reports.
        return data if self._finish_reason else data + self._replace_held(None)

    def end(self, usage: pb.Usage) -> bytes:
        last = self._held or _event({"id": None, "text": "", "logprob": None, "special": True})
        last["token"]["text"] += self._places.end()
        last["generated_text"] = self.prefix + "".join(self._texts)
        last["details"] = {
            **self.details(self._finish_reason, usage),
            "input_length": usage.prompt_tokens,
        }
        self._held = last
        return self._replace_held(None)

    def _replace_held(self, following: _Event | None) -> bytes:
        """The event that was held back, now that it is not the last one."""
        held, self._held = self._held, following
        if held is None:
            return b""
        self._index += 1
        return event(to_json({"index": self._index, **held}))

    def _events(self, message: pb.StreamGenerateResponse) -> list[_Event]:
        if message.logprobs:
            return list(map(_token_event, self._places.of(message.logprobs, message.text)))
        if not message.text:
            return []
        return [_event({"id": None, "text": message.text, "logprob": None, "special": False})]


def _token_event(each: PlacedToken) -> _Event:
    found = _event(token_object(each.token.token, each.text, special=each.special))
    if each.token.top:
        found["top_tokens"] = top_tokens(each.token, special=each.special)
    return found


def _event(token: _Event) -> _Event:
    return {"token": token, "generated_text": None, "details": None}
