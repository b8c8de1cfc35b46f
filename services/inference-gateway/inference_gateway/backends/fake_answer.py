"""The answers of the fake model-server, as the contract has them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from kaito.inference.v1 import inference_pb2 as pb

FEATURES = (
    "chat.continue_final_message",
    "chat.messages.name",
    "chat.messages.reasoning",
    "chat.messages.tool_call_id",
    "chat.messages.tool_calls",
    "chat.template_arguments",
    "chat.template_arguments.reasoning_effort",
    "chat.tool_choice",
    "chat.tools",
    "embed",
    "options.frequency_penalty",
    "options.ignore_eos",
    "options.logit_bias",
    "options.logprobs",
    "options.min_p",
    "options.presence_penalty",
    "options.prompt_logprobs",
    "options.return_token_ids",
    "options.top_logprobs",
    "priority",
    "structured_output",
    "token_ids",
)
_PROMPT_TOKENS = 7
_DIMENSIONS = 4


@dataclass(frozen=True, slots=True)
class Script:
    """What every choice answers. Each delta is a token."""

    deltas: tuple[str, ...]
    finish: pb.FinishReason
    reasoning: str
    tool_calls: tuple[pb.ToolCall, ...]


def whole(script: Script, request: pb.GenerateRequest) -> pb.GenerateResponse:
    """The whole answer."""
    options = request.options
    response = pb.GenerateResponse(usage=_usage(script, request))
    for index in range(_choices(request)):
        choice = response.choices.add(
            index=index,
            text="".join(script.deltas),
            finish_reason=script.finish,
            reasoning=script.reasoning,
            tool_calls=script.tool_calls,
        )
        for place, text in enumerate(script.deltas):
            if options.logprobs:
                choice.logprobs.append(_logprob(place, text, options.top_logprobs))
            if options.return_token_ids:
                choice.token_ids.append(place)
    if options.prompt_logprobs:
        response.prompt_logprobs.extend(_prompt_logprobs(request))
    if options.return_token_ids:
        response.prompt_token_ids.extend(range(_PROMPT_TOKENS))
    return response


def streamed(script: Script, request: pb.GenerateRequest) -> list[pb.StreamGenerateResponse]:
    """The messages of the answer."""
    messages = []
    for part in _parts(script, request):
        for index in range(_choices(request)):
            message = pb.StreamGenerateResponse(index=index)
            message.MergeFrom(part)
            messages.append(message)
    messages[0].request_id = request.request_id
    messages[-1].usage.CopyFrom(_usage(script, request))
    if request.options.prompt_logprobs:
        messages[0].prompt_logprobs.extend(_prompt_logprobs(request))
    if request.options.return_token_ids:
        messages[0].prompt_token_ids.extend(range(_PROMPT_TOKENS))
    return messages


def embedded(request: pb.EmbedRequest) -> pb.EmbedResponse:
    """A vector of zeros for each input, but for a one in the place that its length gives."""
    lengths = [len(each.text or each.token_ids.ids) for each in request.inputs]
    dimensions = request.dimensions or _DIMENSIONS
    return pb.EmbedResponse(
        embeddings=[
            pb.Embedding(
                values=[float(place == length % dimensions) for place in range(dimensions)]
            )
            for length in lengths
        ],
        usage=pb.Usage(prompt_tokens=sum(lengths)),
        request_id=request.request_id,
    )


def _parts(script: Script, request: pb.GenerateRequest) -> list[pb.StreamGenerateResponse]:
    options = request.options
    parts = [pb.StreamGenerateResponse(reasoning=script.reasoning)] if script.reasoning else []
    for place, delta in enumerate(script.deltas):
        part = pb.StreamGenerateResponse(text=delta, token_count=1)
        if options.logprobs:
            part.logprobs.append(_logprob(place, delta, options.top_logprobs))
        if options.return_token_ids:
            part.token_ids.append(place)
        parts.append(part)
    for index, call in enumerate(script.tool_calls):
        head = pb.ToolCallDelta(index=index, id=call.id, name=call.name)
        parts.append(pb.StreamGenerateResponse(tool_calls=[head]))
        parts += [
            pb.StreamGenerateResponse(tool_calls=[pb.ToolCallDelta(index=index, arguments=each)])
            for each in _halves(call.arguments)
        ]
    return [*parts, pb.StreamGenerateResponse(finish_reason=script.finish)]


def _halves(text: str) -> Sequence[str]:
    middle = len(text) // 2
    return [half for half in (text[:middle], text[middle:]) if half]


def _prompt_logprobs(request: pb.GenerateRequest) -> list[pb.TokenLogprob]:
    """One token for each character of a prompt, or for each id."""
    texts = list(request.prompt) or [chr(each) for each in request.token_ids.ids]
    found = [
        _logprob(place, text, request.options.top_logprobs) for place, text in enumerate(texts)
    ]
    found[0].token.ClearField("logprob")
    del found[0].top[:]
    return found


def _logprob(place: int, text: str, top: int) -> pb.TokenLogprob:
    token = pb.LikelyToken(id=place, text=text, raw=text.encode(), logprob=-0.5)
    others = [
        pb.LikelyToken(id=100 + each, text=f"t{each}", raw=f"t{each}".encode(), logprob=-1.0 - each)
        for each in range(1, top)
    ]
    return pb.TokenLogprob(token=token, top=[token, *others][:top])


def _usage(script: Script, request: pb.GenerateRequest) -> pb.Usage:
    tokens = len(script.deltas) * _choices(request)
    return pb.Usage(prompt_tokens=_PROMPT_TOKENS, completion_tokens=tokens, cached_tokens=3)


def _choices(request: pb.GenerateRequest) -> int:
    return request.options.num_return_sequences or 1
