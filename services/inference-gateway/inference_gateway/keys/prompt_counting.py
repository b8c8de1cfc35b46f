"""Counts the tokens of prompts whose answers did not end, with the model's own tokenizer."""

from collections.abc import Sequence

from inference_gateway.backends.backend import Backend, BackendError
from kaito.inference.v1 import inference_pb2 as pb

_TIMEOUT_SECONDS = 5.0


async def count_prompts(backend: Backend, requests: Sequence[pb.GenerateRequest]) -> int | None:
    """The tokens of all prompts; None if the model-server does not say."""
    total = 0
    try:
        for request in requests:
            if request.WhichOneof("input") == "token_ids":
                total += len(request.token_ids.ids)
            else:
                response = await backend.convert(_tokenize_request(request), _TIMEOUT_SECONDS)
                assert isinstance(response, pb.TokenizeResponse)
                total += len(response.token_ids)
    except BackendError:
        return None
    return total


def _tokenize_request(request: pb.GenerateRequest) -> pb.TokenizeRequest:
    if request.WhichOneof("input") == "chat":
        return pb.TokenizeRequest(model=request.model, chat=request.chat)
    return pb.TokenizeRequest(model=request.model, prompt=request.prompt)
