"""What answers of the OpenAI API have in common: JSON, events, usage, finish reasons."""

import json
from collections.abc import Mapping
from typing import Any

from kaito.inference.v1 import inference_pb2 as pb

DONE = b"data: [DONE]\n\n"
FINISH: Mapping[int, str | None] = {
    pb.FINISH_REASON_UNSPECIFIED: None,
    pb.FINISH_REASON_STOP: "stop",
    pb.FINISH_REASON_LENGTH: "length",
    pb.FINISH_REASON_CANCELLED: "abort",
}
FINISH_JSON: Mapping[int, str] = {
    code: f'"{reason}"' if reason else "null" for code, reason in FINISH.items()
}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
# One call into C for the one thing that is written for every token.
quoted = json.encoder.encode_basestring


def to_json(value: Any) -> str:
    return _encode(value)


def event(json_text: str) -> bytes:
    """One server-sent event."""
    return f"data: {json_text}\n\n".encode()


def usage(spent: pb.Usage) -> dict[str, int]:
    return {
        "prompt_tokens": spent.prompt_tokens,
        "completion_tokens": spent.completion_tokens,
        "total_tokens": spent.prompt_tokens + spent.completion_tokens,
    }


def total(spent: list[pb.Usage]) -> pb.Usage:
    """The sum over prompts."""
    return pb.Usage(
        prompt_tokens=sum(each.prompt_tokens for each in spent),
        completion_tokens=sum(each.completion_tokens for each in spent),
    )
