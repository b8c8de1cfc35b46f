"""Vectors of a server that embeds."""

import math
from base64 import b64encode
from struct import pack
from typing import Any

import pytest

from model_server.engine import EmbeddingRequest, TokenIds
from model_server.errors import GenerationFailed, InvalidRequest
from model_server.vllm.embeddings import build_bodies, read_vectors


def _answer(*vectors: tuple[float, ...]) -> dict[str, Any]:
    data = [
        {"index": index, "embedding": b64encode(pack(f"<{len(vector)}f", *vector)).decode()}
        for index, vector in enumerate(vectors)
    ]
    return {"data": data, "usage": {"prompt_tokens": 3}}


def test_texts_and_tokens_go_apart_and_come_back_in_order() -> None:
    request = EmbeddingRequest(inputs=("a", TokenIds((1, 2)), "b"), truncate=True)
    bodies = list(build_bodies(request, "m"))
    assert [(places, body["input"]) for places, body in bodies] == [
        ([0, 2], ["a", "b"]),
        ([1], [[1, 2]]),
    ]
    assert all(body["truncate_prompt_tokens"] == -1 for _, body in bodies)
    found = read_vectors([([0, 2], _answer((1, 0), (0, 2))), ([1], _answer((3, 4)))], None)
    assert [*found.vectors] == [(1, 0), pytest.approx((0.6, 0.8)), (0, 1)]
    assert found.prompt_tokens == 6


def test_fewer_dimensions_are_scaled_again() -> None:
    found = read_vectors([([0], _answer((3, 4, 12)))], 2)
    assert found.vectors[0] == pytest.approx((0.6, 0.8))
    assert math.hypot(*found.vectors[0]) == pytest.approx(1)
    with pytest.raises(InvalidRequest, match="dimensions = 4: the model's vectors have 3"):
        read_vectors([([0], _answer((3, 4, 12)))], 4)


@pytest.mark.parametrize(
    "answer",
    [{}, {"data": [], "usage": {"prompt_tokens": 1}}, [], {"data": [{"embedding": "!"}]}],
)
def test_what_is_no_answer_is_an_error(answer: Any) -> None:
    with pytest.raises(GenerationFailed, match="has no vectors"):
        read_vectors([([0], answer)], None)
