"""The events of a streamed response, as OpenAI's clients read them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.openai_response import to_json
from inference_gateway.formats.responses.open_item import Event, Kind, OpenItem
from inference_gateway.formats.responses.output import Item, status
from inference_gateway.formats.responses.response import response_object
from inference_gateway.formats.responses.schema import ResponsesRequest
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(slots=True)
class ResponseEventEncoder:
    """Renders one answer: an item ends where another kind of item, or another call, begins."""

    body: ResponsesRequest
    generation: GenerationContext
    _model: str = ""
    _sequence: int = 0
    _open: OpenItem | None = None
    _items: list[Item] = field(default_factory=list)
    _finish_reason: int = pb.FINISH_REASON_UNSPECIFIED

    def encode(self, prompt_index: int, message: pb.StreamGenerateResponse) -> bytes:
        data = b""
        if not self._sequence:
            self._model = message.model
            for kind in ("response.created", "response.in_progress"):
                data += self._render([{"type": kind, "response": self._response(None, None)}])
        if message.reasoning:
            data += self._switch("reasoning")
            data += self._delta(message.reasoning)
        if message.text:
            data += self._switch("message")
            data += self._delta(message.text, message.logprobs)
        for call in message.tool_calls:
            data += self._switch("function_call", call)
            if call.arguments:
                data += self._delta(call.arguments)
        if message.finish_reason:
            self._finish_reason = message.finish_reason
            if not self._items and self._open is None:
                # An answer without a word is still a message.
                data += self._switch("message")
            data += self._close(status(message.finish_reason))
        return data

    def end(self, usage: pb.Usage) -> bytes:
        response = self._response(self._finish_reason, usage)
        return self._render([{"type": f"response.{response['status']}", "response": response}])

    def _switch(self, kind: Kind, call: pb.ToolCallDelta | None = None) -> bytes:
        """Begins an item unless the open one is of this kind and, for a call, of this call."""
        opened = self._open
        index = call.index if call else 0
        if opened and (opened.kind, opened.call_index) == (kind, index):
            return b""
        data = self._close()
        self._open = OpenItem(
            kind,
            self.generation.request_id,
            output_index=len(self._items),
            call_index=index,
            call=call or pb.ToolCallDelta(),
            with_logprobs=self.body.wants_logprobs,
        )
        return data + self._render(self._open.begin())

    def _delta(self, text: str, tokens: Iterable[pb.TokenLogprob] = ()) -> bytes:
        assert self._open is not None
        return self._render([self._open.delta(text, tokens)])

    def _close(self, item_status: str = "completed") -> bytes:
        if self._open is None:
            return b""
        events, item = self._open.end(item_status)
        self._items.append(item)
        self._open = None
        return self._render(events)

    def _response(self, finish_reason: int | None, usage: pb.Usage | None) -> Event:
        return response_object(
            self.body,
            self.generation,
            model=self._model,
            output=self._items,
            finish_reason=finish_reason,
            usage=usage,
        )

    def _render(self, events: Iterable[Event]) -> bytes:
        data = ""
        for event in events:
            numbered = {**event, "sequence_number": self._sequence}
            self._sequence += 1
            data += f"event: {event['type']}\ndata: {to_json(numbered)}\n\n"
        return data.encode(errors="replace")
