"""A whole answer, from all deltas of a call."""

from contextlib import aclosing
from dataclasses import dataclass, field

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from model_server.calls.generation_call import GenerationCall
from model_server.contract.response_messages import to_finish_reason, to_logprob, to_usage
from model_server.engine import Delta


@dataclass(slots=True)
class _ChoiceParts:
    """What is known of one choice so far."""

    choice: pb.Choice
    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, pb.ToolCall] = field(default_factory=dict)

    def add(self, delta: Delta) -> None:
        self.texts.append(delta.text)
        self.reasoning.append(delta.reasoning)
        self.choice.logprobs.extend(map(to_logprob, delta.logprobs))
        self.choice.token_ids.extend(delta.token_ids)
        for part in delta.tool_calls:
            call = self.calls.setdefault(part.index, pb.ToolCall())
            call.id += part.id
            call.name += part.name
            call.arguments += part.arguments
        if delta.finish_reason:
            self.choice.finish_reason = to_finish_reason(delta.finish_reason)

    def join(self) -> pb.Choice:
        self.choice.text = "".join(self.texts)
        self.choice.reasoning = "".join(self.reasoning)
        self.choice.tool_calls.extend(self.calls[index] for index in sorted(self.calls))
        return self.choice


async def collect(call: GenerationCall) -> pb.GenerateResponse:
    """The response to a call of Generate.

    Raises:
        InferenceError: the request cannot be served, or the engine failed.
    """
    choices: dict[int, _ChoiceParts] = {}
    response = pb.GenerateResponse()
    async with aclosing(call.deltas()) as deltas:
        async for delta in deltas:
            parts = choices.setdefault(delta.index, _ChoiceParts(pb.Choice(index=delta.index)))
            parts.add(delta)
            response.prompt_logprobs.extend(map(to_logprob, delta.prompt_logprobs))
            response.prompt_token_ids.extend(delta.prompt_token_ids)
            if delta.usage:
                response.usage.CopyFrom(to_usage(delta.usage))
    call.end(grpc.StatusCode.OK)
    response.choices.extend(choices[index].join() for index in sorted(choices))
    response.request_id, response.model = call.id, call.model
    return response
