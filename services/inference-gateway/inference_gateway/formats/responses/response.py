"""The object of a response: the answer, and the request's parameters as they took effect. Pure."""

from collections.abc import Sequence
from typing import Any

from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.responses.output import Item, status
from inference_gateway.formats.responses.schema import ResponsesRequest
from kaito.inference.v1 import inference_pb2 as pb


def response_object(
    body: ResponsesRequest,
    generation: GenerationContext,
    *,
    model: str,
    output: Sequence[Item],
    finish_reason: int | None,
    usage: pb.Usage | None,
) -> dict[str, Any]:
    """The response. Without a finish reason it is in progress."""
    details = None
    if finish_reason == pb.FINISH_REASON_LENGTH:
        details = {"reason": "max_output_tokens"}
    text = body.text.model_dump(by_alias=True, exclude_none=True) if body.text else {}
    return {
        "id": f"resp_{generation.request_id}",
        "object": "response",
        "created_at": generation.created,
        "status": "in_progress" if finish_reason is None else status(finish_reason),
        "background": False,
        "error": None,
        "incomplete_details": details,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "metadata": body.metadata or {},
        "model": model,
        "output": list(output),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": None,
        "reasoning": {"effort": body.reasoning.effort if body.reasoning else None},
        # Nothing is stored, whatever the request says: there is no memory between two requests.
        "store": False,
        "temperature": body.temperature,
        "text": {"format": {"type": "text"}} | text,
        "tool_choice": _tool_choice(body),
        "tools": [_tool(each.model_dump()) for each in body.tools or ()],
        "top_logprobs": body.top_logprobs or 0,
        "top_p": body.top_p,
        "truncation": "disabled",
        "usage": usage_object(usage) if usage is not None else None,
    }


def usage_object(usage: pb.Usage) -> dict[str, Any]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }


def _tool_choice(body: ResponsesRequest) -> Any:
    choice = body.tool_choice
    if choice is None:
        return "auto"
    return choice if isinstance(choice, str) else choice.model_dump()


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    return tool | {"strict": tool["strict"] is not False}
