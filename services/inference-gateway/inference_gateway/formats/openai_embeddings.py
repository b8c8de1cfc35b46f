"""POST /v1/embeddings."""

import base64
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from inference_gateway.backends.backend import TokenResponse
from inference_gateway.errors import Problem, openai_body
from inference_gateway.formats.api_format import ParsedTokenCall
from inference_gateway.formats.embed_calls import all_embeddings, embed_calls, embed_usage, place
from inference_gateway.formats.embeddings_schema import EmbeddingRequest
from inference_gateway.formats.field_names import dotted
from inference_gateway.formats.openai_request import parse_body, set_extras
from inference_gateway.formats.openai_response import json_bytes
from kaito.inference.v1 import inference_pb2 as pb


@dataclass(frozen=True, slots=True)
class OpenAiEmbeddings:
    """The format of /v1/embeddings."""

    def parse(self, body: bytes) -> ParsedTokenCall:
        request = parse_body(EmbeddingRequest, body)
        return ParsedTokenCall(
            model=request.model or "",
            requests=lambda context: embed_calls(
                request.inputs,
                context,
                dimensions=request.dimensions,
                truncate=request.truncate_prompt_tokens is not None,
            ),
            ignored_parameters=lambda _: tuple(set_extras(request)),
            sent_name=lambda field: _sent_name(field, is_list=request.is_list),
            render=lambda responses, _: _render(request, responses),
            place=place,
        )

    def error_body(self, problem: Problem) -> bytes:
        return openai_body(problem)


def _render(request: EmbeddingRequest, responses: Sequence[TokenResponse]) -> bytes:
    encode = _base64 if request.encoding_format == "base64" else _numbers
    first, tokens = responses[0], embed_usage(responses).prompt_tokens
    assert isinstance(first, pb.EmbedResponse)
    body = {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": encode(each)}
            for index, each in enumerate(all_embeddings(responses))
        ],
        "model": first.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return json_bytes(body)


def _numbers(embedding: pb.Embedding) -> list[float]:
    return list(embedding.values)


def _base64(embedding: pb.Embedding) -> str:
    numbers = array("f", embedding.values)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()


def _sent_name(field: str, *, is_list: bool) -> str | None:
    """The client's name of a field of the contract's request: input.3 of inputs[3].text."""
    if field in ("model", "dimensions"):
        return field
    if field == "truncate":
        return "truncate_prompt_tokens"
    if not field.startswith("inputs"):
        return None
    return input_name(field, "input", is_list=is_list)


def input_name(field: str, name: str, *, is_list: bool) -> str:
    """The client's name of an input or of one of its tokens."""
    path: Any = dotted(field.replace(".token_ids.ids", "").removesuffix(".token_ids"))
    parts = path.removesuffix(".text").split(".")[1:]
    return ".".join((name, *(parts if is_list else parts[1:])))
