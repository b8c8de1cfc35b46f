"""Texts to vectors by vLLM's /v1/embeddings. Pure."""

import math
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import unpack
from typing import Any

from model_server.engine import EmbeddingRequest, Embeddings, TokenIds
from model_server.engine_server.unreadable import UNREADABLE
from model_server.errors import GenerationFailed, InvalidRequest

ROUTE = "POST /v1/embeddings"
_FLOAT_BYTES = 4


def build_bodies(
    request: EmbeddingRequest, model: str
) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """Bodies of requests, each with the places of its inputs: texts and tokens go apart."""
    kinds: dict[bool, list[int]] = {}
    for place, each in enumerate(request.inputs):
        kinds.setdefault(isinstance(each, TokenIds), []).append(place)
    for places in kinds.values():
        inputs = [_input(request.inputs[place]) for place in places]
        body: dict[str, Any] = {"model": model, "input": inputs, "encoding_format": "base64"}
        if request.truncate:
            # To the length of the context.
            body["truncate_prompt_tokens"] = -1
        yield places, body


def read_vectors(
    answers: Iterable[tuple[Sequence[int], Mapping[str, Any]]], dimensions: int | None
) -> Embeddings:
    """The vectors of all answers, in the order of the inputs.

    Raises:
        InvalidRequest: the vectors have fewer dimensions.
        GenerationFailed: an answer is none.
    """
    vectors: dict[int, tuple[float, ...]] = {}
    tokens = 0
    for places, answer in answers:
        try:
            found = {int(each["index"]): _decode(each["embedding"]) for each in answer["data"]}
            tokens += int(answer["usage"]["prompt_tokens"])
            vectors |= {place: found[index] for index, place in enumerate(places)}
        except UNREADABLE as cause:
            raise GenerationFailed(f"the engine's answer has no vectors: {cause!r}") from cause
    ordered = [vectors[place] for place in sorted(vectors)]
    if dimensions and dimensions > len(ordered[0]):
        raise InvalidRequest(
            "dimensions", dimensions, f"the model's vectors have {len(ordered[0])}; leave it out"
        )
    return Embeddings(tuple(_scale(vector[:dimensions]) for vector in ordered), tokens)


def _input(each: str | TokenIds) -> str | list[int]:
    return each if isinstance(each, str) else list(each.ids)


def _decode(text: str) -> tuple[float, ...]:
    raw = b64decode(text, validate=True)
    return unpack(f"<{len(raw) // _FLOAT_BYTES}f", raw)


def _scale(vector: Sequence[float]) -> tuple[float, ...]:
    length = math.hypot(*vector) or 1.0
    return tuple(number / length for number in vector)
