"""The items of an answer: reasoning, a message, calls of functions. Pure."""

from collections.abc import Iterable
from typing import Any

from inference_gateway.formats.token_logprobs import chat_logprobs
from kaito.inference.v1 import inference_pb2 as pb

Item = dict[str, Any]


def output_items(choice: pb.Choice, request_id: str, with_logprobs: bool) -> list[Item]:
    """The items of a whole answer."""
    items: list[Item] = []
    if choice.reasoning:
        items.append(reasoning_item(f"rs_{request_id}_0", choice.reasoning))
    if choice.text or not choice.tool_calls:
        logprobs = token_list(choice.logprobs) if with_logprobs else []
        items.append(message_item(f"msg_{request_id}_{len(items)}", choice.text, logprobs))
    for call in choice.tool_calls:
        items.append(call_item(f"fc_{request_id}_{len(items)}", call))
    # The last one is cut off where the answer is: the arguments of a call may be no JSON.
    items[-1]["status"] = status(choice.finish_reason)
    return items


def status(finish_reason: int) -> str:
    """The status of an answer that has ended, and of its last item."""
    ended = (pb.FINISH_REASON_STOP, pb.FINISH_REASON_TOOL_CALLS)
    return "completed" if finish_reason in ended else "incomplete"


def reasoning_item(item_id: str, text: str, status: str = "completed") -> Item:
    """What the model thought. As from other open models it is no summary, but the text itself."""
    content = [{"type": "reasoning_text", "text": text}] if text else []
    return {
        "id": item_id,
        "type": "reasoning",
        "summary": [],
        "content": content,
        "status": status,
    }


def message_item(item_id: str, text: str, logprobs: list[Item], status: str = "completed") -> Item:
    """The assistant's message."""
    return {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "status": status,
        "content": [text_part(text, logprobs)] if status != "in_progress" else [],
    }


def text_part(text: str, logprobs: list[Item]) -> Item:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def call_item(item_id: str, call: pb.ToolCall, status: str = "completed") -> Item:
    """A call of a function."""
    return {
        "id": item_id,
        "type": "function_call",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": status,
    }


def token_list(tokens: Iterable[pb.TokenLogprob]) -> list[Item]:
    content: list[Item] = chat_logprobs(tokens)["content"]
    return content
