"""Adds the generation routes, which bypass FastAPI, to its OpenAPI document. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from inference_gateway.formats.embeddings_schema import (
    EmbeddingRequest,
    EmbeddingResponse,
    FeatureExtractionRequest,
)
from inference_gateway.formats.kaito_schema import KaitoChatRequest, KaitoChatResponse
from inference_gateway.formats.openai_chat_schema import ChatCompletionRequest
from inference_gateway.formats.openai_completions_schema import CompletionRequest
from inference_gateway.formats.responses.schema import ResponseObject, ResponsesRequest
from inference_gateway.formats.tgi_schema import TgiCompatibleRequest, TgiRequest, TgiResponse
from inference_gateway.formats.tokens_schema import (
    DetokenizeRequest,
    DetokenizeResponse,
    TokenizeRequest,
    TokenizeResponse,
)
from inference_gateway.relaying.relayed_request import ENGINE_PATHS

_REFS = "#/components/schemas/{model}"
_KAITO_ERRORS = {
    400: "The prompt is missing, or the model-server rejected a value",
    404: "The model does not exist; the message lists those that do",
    413: "The body is too large",
    422: "A field has the wrong type",
    429: "Too many requests; Retry-After says when to try again",
    501: "The model's engine has no such feature",
    503: "The model is not ready",
    504: "No complete answer in time",
}
_OPENAI_ERRORS = {
    400: "A field is missing, has the wrong type or is not supported; error.param names it",
    404: "The model does not exist; the message lists those that do",
    413: "The body is too large",
    429: "Too many requests; Retry-After says when to try again",
    501: "The model's engine has no such feature",
    503: "The model is not ready",
    504: "No complete answer in time",
}
_TGI_ERRORS = {
    **_KAITO_ERRORS,
    400: "The model-server rejected a value; the message names its field",
    422: "A field is missing, has the wrong type or is not supported; the message names it",
}
_SCHEMAS: tuple[type[BaseModel], ...] = (
    KaitoChatRequest,
    KaitoChatResponse,
    ChatCompletionRequest,
    CompletionRequest,
    EmbeddingRequest,
    EmbeddingResponse,
    FeatureExtractionRequest,
    ResponsesRequest,
    ResponseObject,
    TgiRequest,
    TgiCompatibleRequest,
    TgiResponse,
    TokenizeRequest,
    TokenizeResponse,
    DetokenizeRequest,
    DetokenizeResponse,
)
_OPENAI_ROUTES: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("/v1/chat/completions", "OpenAI chat completions", ChatCompletionRequest),
    ("/v1/completions", "OpenAI text completions", CompletionRequest),
)
# Without a schema: OpenAPI's would be that of one event, and the API's last one, [DONE], has none.
_STREAM: Mapping[str, Any] = {"text/event-stream": {}}
_OPENAI_CONTENT: Mapping[str, Any] = {
    "application/json": {"schema": {"type": "object"}},
    **_STREAM,
}
_VECTORS: Mapping[str, Any] = {
    "application/json": {
        "schema": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    }
}
_TGI_ROUTES: tuple[tuple[str, str, type[BaseModel], Mapping[str, Any]], ...] = (
    (
        "/generate",
        "Continue a text",
        TgiRequest,
        {"application/json": {"schema": {"$ref": _REFS.format(model="TgiResponse")}}},
    ),
    ("/generate_stream", "Continue a text as events", TgiRequest, _STREAM),
    ("/embed", "Vectors of texts", FeatureExtractionRequest, _VECTORS),
    ("/pipeline/feature-extraction", "Vectors of texts", FeatureExtractionRequest, _VECTORS),
    (
        "/",
        "Continue a text, as events if `stream` is true",
        TgiCompatibleRequest,
        {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {"$ref": _REFS.format(model="TgiResponse")},
                }
            },
            **_STREAM,
        },
    ),
)

_TOKEN_ROUTES: tuple[tuple[str, str, type[BaseModel], type[BaseModel]], ...] = (
    ("/tokenize", "Tokens of a text or a conversation", TokenizeRequest, TokenizeResponse),
    ("/detokenize", "Text of tokens", DetokenizeRequest, DetokenizeResponse),
    ("/v1/embeddings", "OpenAI embeddings", EmbeddingRequest, EmbeddingResponse),
)


def add_generation_routes(document: dict[str, Any]) -> dict[str, Any]:
    """Adds the generation routes to FastAPI's document, changing and returning it."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _SCHEMAS], ref_template=_REFS
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(definitions["$defs"])
    kaito_content = {"application/json": {"schema": _ref(KaitoChatResponse)}}
    for prefix in ("", "/workspaces/{namespace}/{name}"):
        paths = document["paths"]
        paths[f"{prefix}/chat"] = _post(
            "KAITO chat", KaitoChatRequest, kaito_content, _KAITO_ERRORS, prefix
        )
        for path, title, model in _OPENAI_ROUTES:
            paths[prefix + path] = _post(title, model, _OPENAI_CONTENT, _OPENAI_ERRORS, prefix)
        response_content = {"application/json": {"schema": _ref(ResponseObject)}, **_STREAM}
        paths[f"{prefix}/v1/responses"] = _post(
            "OpenAI responses", ResponsesRequest, response_content, _OPENAI_ERRORS, prefix
        )
        for path, title, model, answer in _TOKEN_ROUTES:
            json_answer = {"application/json": {"schema": _ref(answer)}}
            paths[prefix + path] = _post(title, model, json_answer, _OPENAI_ERRORS, prefix)
        for path in ENGINE_PATHS:
            paths[prefix + path] = _relayed(prefix)
        for path, title, model, content in _TGI_ROUTES:
            # The root has a GET as well. A Workspace's root has no slash at its end.
            full = (prefix + path).rstrip("/") or "/"
            paths[full] = {
                **paths.get(full, {}),
                **_post(title, model, content, _TGI_ERRORS, prefix),
            }
    return document


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFS.format(model=model.__name__)}


def _post(
    title: str,
    body: type[BaseModel],
    content: Mapping[str, Any],
    errors: Mapping[int, str],
    prefix: str,
) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "The answer", "content": content}}
    responses |= {str(status): {"description": text} for status, text in errors.items()}
    return {
        "post": {
            "summary": title,
            "parameters": [_path_parameter(name) for name in ("namespace", "name") if prefix],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _ref(body)}},
            },
            "responses": responses,
        }
    }


def _relayed(prefix: str) -> dict[str, Any]:
    """A route that an engine may have. Its own documentation says what it takes and answers."""
    errors = {**_OPENAI_ERRORS, 404: "The model does not exist, or its engine lacks this route"}
    responses = {str(status): {"description": text} for status, text in errors.items()}
    return {
        "post": {
            "summary": "Answered by the engine itself",
            "parameters": [_path_parameter(name) for name in ("namespace", "name") if prefix],
            "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
            "responses": {"default": {"description": "As the engine answers"}, **responses},
        }
    }


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
