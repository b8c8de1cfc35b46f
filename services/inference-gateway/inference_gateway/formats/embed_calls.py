"""Many inputs to embed as a few calls of the contract. Pure."""

import re
from collections.abc import Sequence

from inference_gateway.backends.backend import TokenResponse
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.formats.token_usage import total_usage
from kaito.inference.v1 import inference_pb2 as pb

# So many vectors of 8192 numbers take 1 MiB, and other requests are answered between two calls.
INPUTS_PER_CALL = 32
_INPUT = re.compile(r"inputs\[(\d+)\]")


def embed_calls(
    inputs: Sequence[str | list[int]],
    context: GenerationContext,
    *,
    dimensions: int | None,
    truncate: bool,
) -> list[pb.EmbedRequest]:
    """The calls, each for the next few inputs."""
    return [
        pb.EmbedRequest(
            model=context.served_model,
            inputs=map(_input, inputs[start : start + INPUTS_PER_CALL]),
            dimensions=dimensions,
            request_id=context.request_id,
            truncate=truncate,
        )
        for start in range(0, len(inputs), INPUTS_PER_CALL)
    ]


def place(call: int, field: str) -> str:
    """The field of a call as one of the whole: inputs[33].text for inputs[1].text of call 1."""
    return _INPUT.sub(lambda found: f"inputs[{int(found[1]) + call * INPUTS_PER_CALL}]", field)


def all_embeddings(responses: Sequence[TokenResponse]) -> list[pb.Embedding]:
    """The vectors of all calls, in order."""
    found: list[pb.Embedding] = []
    for response in responses:
        assert isinstance(response, pb.EmbedResponse)
        found += response.embeddings
    return found


def embed_usage(responses: Sequence[TokenResponse]) -> pb.Usage:
    return total_usage(each.usage for each in responses if isinstance(each, pb.EmbedResponse))


def _input(source: str | list[int]) -> pb.EmbedInput:
    if isinstance(source, str):
        return pb.EmbedInput(text=source)
    return pb.EmbedInput(token_ids=pb.TokenIds(ids=source))
