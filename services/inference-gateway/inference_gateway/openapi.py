"""The generation routes' part of /openapi.json: they are served past FastAPI. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from inference_gateway.dialects.openai_schema import ChatCompletionRequest, CompletionRequest
from inference_gateway.dialects.seed_schema import ChatRequest

_REFS = "#/components/schemas/{model}"
_SEED_REFUSALS = {
    400: "The prompt is missing, or the model-server refused a value",
    413: "The body is too large",
    422: "A field has the wrong type",
    429: "Too many requests; Retry-After says when to try again",
    503: "The model is not ready",
    504: "No complete answer in time",
}
_OPENAI_REFUSALS = {
    400: "A field is missing, has the wrong type or is not supported; error.param names it",
    404: "No such model; the message lists those there are",
    413: "The body is too large",
    429: "Too many requests; Retry-After says when to try again",
    503: "The model is not ready",
    504: "No complete answer in time",
}


class ChatResult(BaseModel):
    """The answer of /chat."""

    Result: str


_SCHEMAS: tuple[type[BaseModel], ...] = (
    ChatRequest,
    ChatResult,
    ChatCompletionRequest,
    CompletionRequest,
)


def with_generation(schema: dict[str, Any]) -> dict[str, Any]:
    """FastAPI's document with the generation routes added; changes and returns it."""
    _, definitions = models_json_schema(
        [(model, "validation") for model in _SCHEMAS], ref_template=_REFS
    )
    known = schema.setdefault("components", {}).setdefault("schemas", {})
    known.update(definitions["$defs"])
    result = {"application/json": {"schema": _ref(ChatResult)}}
    for prefix in ("", "/workspaces/{namespace}/{name}"):
        paths = schema["paths"]
        paths[f"{prefix}/chat"] = _post(
            "Chat as the seed's server", ChatRequest, result, _SEED_REFUSALS, prefix
        )
        for path, title, model in _OPENAI_ROUTES:
            paths[prefix + path] = _post(title, model, _OPENAI_ANSWER, _OPENAI_REFUSALS, prefix)
    return schema


_OPENAI_ROUTES: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("/v1/chat/completions", "OpenAI chat completions", ChatCompletionRequest),
    ("/v1/completions", "OpenAI text completions", CompletionRequest),
)
_OPENAI_ANSWER: Mapping[str, Any] = {
    "application/json": {"schema": {"type": "object"}},
    "text/event-stream": {"schema": {"type": "string"}},
}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFS.format(model=model.__name__)}


def _post(
    title: str,
    body: type[BaseModel],
    answer: Mapping[str, Any],
    refusals: Mapping[int, str],
    prefix: str,
) -> dict[str, Any]:
    responses: dict[str, Any] = {"200": {"description": "The answer", "content": answer}}
    responses |= {str(status): {"description": text} for status, text in refusals.items()}
    return {
        "post": {
            "summary": title,
            "parameters": [_in_path(name) for name in ("namespace", "name") if prefix],
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": _ref(body)}},
            },
            "responses": responses,
        }
    }


def _in_path(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
