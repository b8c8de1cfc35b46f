"""One item of a streamed answer, from its first delta to its last. Pure."""

from dataclasses import dataclass, field
from typing import Any, Literal

from inference_gateway.formats.responses.output import (
    Item,
    call_item,
    message_item,
    reasoning_item,
    text_part,
    token_list,
)
from kaito.inference.v1 import inference_pb2 as pb

Kind = Literal["reasoning", "message", "function_call"]
Event = dict[str, Any]
_PREFIXES: dict[Kind, str] = {"reasoning": "rs", "message": "msg", "function_call": "fc"}


@dataclass(slots=True)
class OpenItem:
    """The events of one item, and the item itself. `call` is the function call's index and head."""

    kind: Kind
    request_id: str
    output_index: int
    call_index: int = 0
    call: pb.ToolCallDelta = field(default_factory=pb.ToolCallDelta)
    with_logprobs: bool = False
    _texts: list[str] = field(default_factory=list)
    _logprobs: list[Item] = field(default_factory=list)

    @property
    def item_id(self) -> str:
        return f"{_PREFIXES[self.kind]}_{self.request_id}_{self.output_index}"

    def begin(self) -> list[Event]:
        """The events before the first delta."""
        added = {
            "type": "response.output_item.added",
            "output_index": self.output_index,
            "item": self._item("in_progress"),
        }
        if self.kind != "message":
            return [added]
        part = {**self._place(), "content_index": 0, "part": text_part("", [])}
        return [added, {"type": "response.content_part.added", **part}]

    def delta(self, text: str, tokens: Any = ()) -> Event:
        """The event of more text."""
        self._texts.append(text)
        body: Event = {**self._place(), "delta": text}
        if self.kind == "function_call":
            return {"type": "response.function_call_arguments.delta", **body}
        if self.kind == "reasoning":
            return {"type": "response.reasoning_text.delta", **body, "content_index": 0}
        logprobs = token_list(tokens) if self.with_logprobs else []
        self._logprobs += logprobs
        body |= {"content_index": 0, "logprobs": logprobs}
        return {"type": "response.output_text.delta", **body}

    def end(self, status: str) -> tuple[list[Event], Item]:
        """The events after the last delta, and the whole item."""
        item, text, place = self._item(status), "".join(self._texts), self._place()
        done = {"type": "response.output_item.done", "output_index": self.output_index}
        events: list[Event] = []
        match self.kind:
            case "function_call":
                kind = "response.function_call_arguments.done"
                events = [{"type": kind, **place, "name": self.call.name, "arguments": text}]
            case "reasoning":
                kind = "response.reasoning_text.done"
                events = [{"type": kind, **place, "content_index": 0, "text": text}]
            case "message":
                at = {**place, "content_index": 0}
                events = [
                    {
                        "type": "response.output_text.done",
                        **at,
                        "text": text,
                        "logprobs": self._logprobs,
                    },
                    {
                        "type": "response.content_part.done",
                        **at,
                        "part": text_part(text, self._logprobs),
                    },
                ]
        return [*events, {**done, "item": item}], item

    def _place(self) -> Event:
        return {"item_id": self.item_id, "output_index": self.output_index}

    def _item(self, status: str) -> Item:
        text = "".join(self._texts)
        match self.kind:
            case "reasoning":
                return reasoning_item(self.item_id, text, status)
            case "message":
                return message_item(self.item_id, text, self._logprobs, status)
            case "function_call":
                call = pb.ToolCall(id=self.call.id, name=self.call.name, arguments=text)
                return call_item(self.item_id, call, status)
