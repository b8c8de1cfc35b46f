"""What a request to the engine's own server may cost, and how its tokens come to be known. Pure.

A stream of OpenAI's API tells its tokens only to a client that asks for them. So the gateway asks
for it, with every event, and keeps the last event, which has nothing else, from a client that has
not asked.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from inference_gateway.keys.cost_bound import TokenBound
from inference_gateway.relaying.relayed_request import RelayedRequest
from kaito.inference.v1 import inference_pb2 as pb

# Their streams take stream_options; the others always end with the tokens.
_WITH_STREAM_OPTIONS = ("POST /v1/chat/completions", "POST /v1/completions")
_COUNTED = (
    *_WITH_STREAM_OPTIONS,
    "POST /v1/responses",
    "POST /v1/messages",
    "POST /v1/embeddings",
    "POST /v1/chat/completions/batch",
)
_ANSWER_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_TEMPLATE_TOKENS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedWork:
    """`request` is what to send. `is_counted` says that the engine's answer has its tokens."""

    request: RelayedRequest
    content: dict[str, Any]
    is_counted: bool
    is_streaming: bool


def prepare(request: RelayedRequest, priority: int) -> RelayedWork:
    """The request, so that its tokens will be known and it runs no earlier than its key may."""
    is_counted = request.route in _COUNTED
    content = _content(request.body) if is_counted else {}
    is_streaming = content.get("stream") is True
    changed = dict(content)
    if "priority" in content or (is_counted and priority):
        sent = content.get("priority")
        changed["priority"] = max(sent, priority) if type(sent) is int else priority
    hides = False
    if is_streaming and request.route in _WITH_STREAM_OPTIONS:
        options = content.get("stream_options")
        options = options if isinstance(options, dict) else {}
        hides = options.get("include_usage") is not True
        changed["stream_options"] = {
            **options,
            "include_usage": True,
            "continuous_usage_stats": True,
        }
    if changed != content:
        body = json.dumps(changed, ensure_ascii=False).encode()
        request = replace(request, body=body, hides_usage=hides)
    return RelayedWork(
        request=request, content=content, is_counted=is_counted, is_streaming=is_streaming
    )


def relayed_bound(work: RelayedWork, model: pb.Model) -> TokenBound:
    """The most that it can cost; zero for routes whose answers have no tokens."""
    if not work.is_counted:
        return TokenBound(0, 0)
    context = model.max_length
    size = len(work.request.body) + _TEMPLATE_TOKENS
    prompts = _prompts(work.content)
    prompt = min(size, context * prompts) if context else size
    if work.request.route == "POST /v1/embeddings":
        return TokenBound(prompt, 0)
    limits = [each for name in _ANSWER_LIMITS if type(each := work.content.get(name)) is int]
    # An engine's own default is the rest of the context.
    answer = min([max(each, 0) for each in limits] or [context])
    answer = min(answer, context) if context else answer
    choices = work.content.get("n")
    count = choices if type(choices) is int and choices > 0 else 1
    return TokenBound(prompt, answer * count * prompts)


def _prompts(content: dict[str, Any]) -> int:
    """How many prompts it has: completions, embeddings and batches take several."""
    for name in ("prompt", "input", "messages"):
        value = content.get(name)
        if isinstance(value, list) and value and isinstance(value[0], str | list):
            return len(value)
    return 1


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
