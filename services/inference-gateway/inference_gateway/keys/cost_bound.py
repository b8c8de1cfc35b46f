"""The most that a request can cost, before it runs. Pure.

A tokenizer makes at most one token of each byte, so the bytes of a prompt bound its tokens; what a
chat template adds is small and fixed. The model's context bounds both. An answer that costs more
all the same is settled in full, so the ledger stays exact and only the limit is late.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.backends.backend import TokenRequest
from inference_gateway.contract_check import choice_count
from kaito.inference.v1 import inference_pb2 as pb

# Role markers, a date and a default system prompt: the longest known template adds 170.
TEMPLATE_TOKENS = 256
# The contract's default for an answer without a limit.
DEFAULT_NEW_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class TokenBound:
    """The most tokens of the prompts, and of the answers."""

    prompt: int
    completion: int


def generation_bound(requests: Sequence[pb.GenerateRequest], model: pb.Model) -> TokenBound:
    """The bound of the requests that one HTTP request becomes."""
    context = model.max_length
    prompt = completion = 0
    for request in requests:
        prompt += _prompt_bound(request.ByteSize(), context)
        completion += choice_count(request) * _new_tokens(request.options, context)
    return TokenBound(prompt, completion)


def limit_answers(requests: Sequence[pb.GenerateRequest]) -> None:
    """Sets the contract's default where a request has no limit of its own.

    Else the model's own configuration would decide, which the gateway does not know.
    """
    for request in requests:
        options = request.options
        if not options.HasField("max_new_tokens") and not options.HasField("max_length"):
            options.max_new_tokens = DEFAULT_NEW_TOKENS


def conversion_bound(requests: Sequence[TokenRequest], model: pb.Model) -> TokenBound:
    """Embeddings cost the tokens of their inputs; counting tokens costs nothing."""
    prompt = 0
    for request in requests:
        if isinstance(request, pb.EmbedRequest):
            context = model.max_length
            prompt += sum(_prompt_bound(each.ByteSize(), context) for each in request.inputs)
    return TokenBound(prompt, 0)


def _prompt_bound(size_bytes: int, context: int) -> int:
    bound = size_bytes + TEMPLATE_TOKENS
    # A model-server that reports no context does not bound it.
    return min(bound, context) if context else bound


def _new_tokens(options: pb.GenerationOptions, context: int) -> int:
    if options.HasField("max_new_tokens"):
        wanted = options.max_new_tokens
    elif options.HasField("max_length"):
        wanted = options.max_length
    else:
        wanted = DEFAULT_NEW_TOKENS
    return min(wanted, context) if context else wanted
