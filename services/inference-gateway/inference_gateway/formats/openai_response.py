"""What all responses of the OpenAI API share: JSON, events, usage, finish reasons."""

import json
from collections.abc import Mapping
from typing import Any

import pydantic_core

from kaito.inference.v1 import inference_pb2 as pb

DONE = b"data: [DONE]\n\n"
FINISH_REASONS: Mapping[int, str | None] = {
    pb.FINISH_REASON_UNSPECIFIED: None,
    pb.FINISH_REASON_STOP: "stop",
    pb.FINISH_REASON_LENGTH: "length",
    pb.FINISH_REASON_CANCELLED: "abort",
    pb.FINISH_REASON_TOOL_CALLS: "tool_calls",
}
FINISH_REASON_JSON: Mapping[int, str] = {
    code: f'"{reason}"' if reason else "null" for code, reason in FINISH_REASONS.items()
}
# Called for every token: encodes a string in C, without the encoder around it.
quote = json.encoder.encode_basestring


def json_bytes(value: Any) -> bytes:
    # Five times as fast as Python's own, which makes an encoder for each value.
    return pydantic_core.to_json(value)


def to_json(value: Any) -> str:
    return json_bytes(value).decode()


def event(json_text: str) -> bytes:
    """One server-sent event."""
    return f"data: {json_text}\n\n".encode()


def usage_object(usage: pb.Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
