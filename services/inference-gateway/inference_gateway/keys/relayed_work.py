"""What a request to the engine's own server may cost, and how its tokens come to be known. Pure.

A stream of OpenAI's API tells its tokens only to a client that asks for them. So the gateway asks
for it, with every event, and keeps the last event, which has nothing else, from a client that has
not asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from inference_gateway.keys.cost_bound import DEFAULT_NEW_TOKENS, TEMPLATE_TOKENS, TokenBound
from inference_gateway.relaying.relayed_request import RelayedRequest
from kaito.inference.v1 import inference_pb2 as pb
from kaito_keys.key_policy import MAX_AMOUNT

# Their streams take stream_options; the others always end with the tokens.
_WITH_STREAM_OPTIONS = ("POST /v1/chat/completions", "POST /v1/completions")
_CHAT_LIMITS = ("max_completion_tokens", "max_tokens")
# The routes that generate, and the names that the most tokens of an answer have there. Others mean
# nothing to an engine.
_ANSWER_LIMITS: Mapping[str, tuple[str, ...]] = {
    "POST /v1/chat/completions": _CHAT_LIMITS,
    "POST /v1/chat/completions/batch": _CHAT_LIMITS,
    "POST /v1/completions": ("max_tokens",),
    "POST /v1/responses": ("max_output_tokens",),
    "POST /v1/messages": ("max_tokens",),
}
_PAIRS = ("text_1", "text_2", "data_1", "data_2", "queries", "documents")
# The routes that take several prompts or texts at once, and where they have them.
_INPUTS: Mapping[str, tuple[str, ...]] = {
    "POST /v1/chat/completions/batch": ("messages",),
    "POST /v1/completions": ("prompt",),
    "POST /v1/embeddings": ("input",),
    "POST /v2/embed": ("texts", "inputs", "images"),
    "POST /v1/rerank": ("documents",),
    "POST /v2/rerank": ("documents",),
    "POST /rerank": ("documents",),
    "POST /v1/score": _PAIRS,
    "POST /score": _PAIRS,
    "POST /generative_scoring": ("items",),
    "POST /pooling": ("input",),
    "POST /classify": ("input",),
}
# Read once more with each of the others, unless it is a list that has one for each.
_REPEATED = ("query", "text_1", "data_1", "queries")
# vLLM reads "8" and 8.0 as 8, with the same library.
_WHOLE = TypeAdapter(int)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedWork:
    """`request` is what to send. `is_counted` says that the engine's answer has its tokens."""

    request: RelayedRequest
    content: dict[str, Any]
    is_counted: bool
    is_streaming: bool

    @property
    def inputs(self) -> int:
        """How many prompts or texts it has: completions, embeddings and batches take several."""
        values = (self.content.get(name) for name in _INPUTS.get(self.request.route, ()))
        return max([1, *map(_count, values)])


def prepare(request: RelayedRequest, priority: int) -> RelayedWork:
    """The request, so that its tokens will be known and it runs no earlier than its key may."""
    is_counted = request.route in _ANSWER_LIMITS or request.route in _INPUTS
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
        text = json.dumps(changed, ensure_ascii=False)
        # Half of a surrogate pair is valid JSON, as the escape that it came as.
        body = text.encode(errors="backslashreplace")
        request = replace(request, body=body, hides_usage=hides)
    return RelayedWork(
        request=request, content=content, is_counted=is_counted, is_streaming=is_streaming
    )


def relayed_bound(work: RelayedWork, model: pb.Model) -> TokenBound:
    """The most that it can cost; zero for routes whose answers have no tokens."""
    if not work.is_counted:
        return TokenBound(0, 0)
    context, inputs = model.max_length, work.inputs
    size = len(work.request.body) + TEMPLATE_TOKENS + (inputs - 1) * _repeated(work.content)
    prompt = min(size, context * inputs) if context else size
    names = _ANSWER_LIMITS.get(work.request.route)
    if names is None:
        return TokenBound(min(prompt, MAX_AMOUNT), 0)
    answers = _answer_bound(work.content, names, context) * _choices(work.content) * inputs
    return TokenBound(min(prompt, MAX_AMOUNT), min(answers, MAX_AMOUNT))


def _answer_bound(content: dict[str, Any], names: tuple[str, ...], context: int) -> int:
    given = [_whole(content[name]) for name in names if content.get(name) is not None]
    # An engine's own default is the rest of the context, and that is what some mean by zero or -1.
    if not given or min(given) <= 0:
        return context or DEFAULT_NEW_TOKENS
    # Of two limits, some engines take the one and some the other.
    return min(max(given), context) if context else max(given)


def _choices(content: dict[str, Any]) -> int:
    return max(1, _whole(content.get("n")), _whole(content.get("best_of")))


def _count(value: object) -> int:
    if isinstance(value, dict):
        value = value.get("content")
    # A list of tokens is one prompt.
    if not isinstance(value, list) or not value or isinstance(value[0], int):
        return 1
    return len(value)


def _repeated(content: dict[str, Any]) -> int:
    """The bytes of what is read with each of several inputs; a list has one for each already."""
    values = (content.get(name) for name in _REPEATED)
    return sum(len(json.dumps(value)) for value in values if value and _count(value) == 1)


def _whole(value: object) -> int:
    """The number as engines read it; 0 for what is none, which they refuse."""
    try:
        return _WHOLE.validate_python(value)
    except ValidationError:
        return 0


def _content(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
