"""Vectors, of every engine that has them."""

import math
from typing import Any

import grpc
import pytest

from kaito.inference.v1 import inference_pb2 as pb
from kaito_grpc.field_violations import from_error
from tests.model_server.conftest import (
    Running,
    requires,
)


def embed_request(*texts: str, **fields: Any) -> pb.EmbedRequest:
    return pb.EmbedRequest(inputs=[pb.EmbedInput(text=text) for text in texts], **fields)


async def test_each_input_gets_a_vector_of_length_one(server: Running) -> None:
    await requires(server, "embed")
    texts = ["The ship sails", "gold", "naïve 東京 ☂ on the map"]
    response = await server.stub.Embed(embed_request(*texts))
    assert (response.model, bool(response.request_id)) == ("tiny", True)
    vectors = [list(each.values) for each in response.embeddings]
    assert len({len(vector) for vector in vectors}) == 1
    assert len({tuple(vector) for vector in vectors}) == 3
    for vector in vectors:
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-5)
    assert response.usage.prompt_tokens > 3
    alone = await server.stub.Embed(embed_request(texts[1]))
    assert list(alone.embeddings[0].values) == pytest.approx(vectors[1], abs=1e-5)


async def test_fewer_dimensions_are_the_first_ones_scaled_again(server: Running) -> None:
    await requires(server, "embed")
    whole = list((await server.stub.Embed(embed_request("gold"))).embeddings[0].values)
    response = await server.stub.Embed(embed_request("gold", dimensions=7))
    length = math.hypot(*whole[:7])
    expected = [number / length for number in whole[:7]]
    assert list(response.embeddings[0].values) == pytest.approx(expected, abs=1e-5)


async def test_input_longer_than_the_context_is_cut_if_asked(server: Running) -> None:
    await requires(server, "embed")
    request = embed_request("gold", "ship gold " * 3000, truncate=True)
    response = await server.stub.Embed(request)
    assert len(response.embeddings) == 2
    assert 2048 < response.usage.prompt_tokens < 2048 + 10


async def test_adapter_changes_the_vectors(server: Running) -> None:
    await requires(server, "embed")
    base, pirate = [
        (await server.stub.Embed(embed_request("The ship sails", model=model))).embeddings[0]
        for model in ("", "pirate")
    ]
    assert list(base.values) != pytest.approx(list(pirate.values), abs=1e-3)


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (pb.EmbedRequest(), "INVALID_ARGUMENT", "inputs"),
        (embed_request(*["gold"] * 2049), "INVALID_ARGUMENT", "inputs"),
        (embed_request("gold", ""), "INVALID_ARGUMENT", "inputs[1].text"),
        (pb.EmbedRequest(inputs=[pb.EmbedInput()]), "INVALID_ARGUMENT", "inputs[0]"),
        (
            pb.EmbedRequest(inputs=[pb.EmbedInput(token_ids=pb.TokenIds())]),
            "INVALID_ARGUMENT",
            "inputs[0].token_ids.ids",
        ),
        (embed_request("gold", dimensions=0), "INVALID_ARGUMENT", "dimensions"),
        (embed_request("gold", dimensions=65), "INVALID_ARGUMENT", "dimensions"),
        (embed_request("gold", model="nobody"), "NOT_FOUND", ""),
    ],
    ids="none many empty unset no-tokens zero wide model".split(),
)
async def test_what_cannot_be_embedded_is_named(
    server: Running, request_: pb.EmbedRequest, code: str, field: str
) -> None:
    await requires(server, "embed")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Embed(request_)
    assert caught.value.code().name == code
    violation = from_error(caught.value)
    assert (violation.field if violation else "") == field


async def test_engine_without_embeddings_says_so(server: Running) -> None:
    model = (await server.stub.GetModel(pb.GetModelRequest())).model
    if "embed" in model.features:
        assert (await server.stub.Embed(embed_request("gold"))).embeddings
        return
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await server.stub.Embed(embed_request("gold"))
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert f"{model.engine}, embeds no texts" in (caught.value.details() or "")
