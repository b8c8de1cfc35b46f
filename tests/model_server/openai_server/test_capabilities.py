"""What a server can do is read from its OpenAPI document."""

from typing import Any

import pytest

from model_server.openai_server.capabilities import from_openapi


def _document(*paths: str, fields: tuple[str, ...] = (), combine: str = "") -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": "#/components/schemas/Chat"}
    if combine:
        schema = {combine: [schema, {"type": "null"}]}
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}}
    return {
        "paths": {path: {"post": body} for path in paths},
        "components": {"schemas": {"Chat": {"properties": {key: {} for key in fields}}}},
    }


def test_routes_are_relayed_only_if_they_are_on_the_list() -> None:
    capabilities = from_openapi(
        _document("/v1/rerank", "/v1/load_lora_adapter", "/sleep", "/v1/audio/transcriptions")
    )
    assert capabilities.http_routes == ("POST /v1/audio/transcriptions", "POST /v1/rerank")


@pytest.mark.parametrize("combine", ["", "anyOf", "allOf"])
def test_fields_of_the_body_become_features(combine: str) -> None:
    document = _document(
        "/v1/chat/completions", fields=("tools", "min_p", "priority"), combine=combine
    )
    assert from_openapi(document).features == {
        "chat.tools",
        "chat.messages.tool_calls",
        "chat.messages.tool_call_id",
        "options.min_p",
        "priority",
        "token_ids",
    }


def test_embeddings_are_relayed_and_not_answered_by_the_contract() -> None:
    capabilities = from_openapi(_document("/v1/embeddings"))
    assert capabilities.http_routes == ("POST /v1/embeddings",)
    assert "embed" not in capabilities.features


def test_a_server_without_a_document_has_the_two_routes_of_all() -> None:
    capabilities = from_openapi(None)
    assert capabilities.http_routes == ("POST /v1/chat/completions", "POST /v1/completions")
    assert "chat.tools" in capabilities.features


@pytest.mark.parametrize("document", [{}, {"paths": None}, {"paths": {"/v1/completions": {}}}])
def test_a_document_of_another_kind_promises_nothing(document: dict[str, Any]) -> None:
    assert from_openapi(document).http_routes == ()


def test_a_body_that_may_be_anything_takes_what_openai_takes() -> None:
    document = _document("/v1/chat/completions")
    assert "chat.tools" in from_openapi(document).features
    assert "options.min_p" not in from_openapi(document).features
