"""What an OpenAI-compatible server can do, read from the OpenAPI document that it serves. Pure.

vLLM, SGLang and `transformers serve` describe their routes and fields at /openapi.json. A server
that does not is asked for nothing but the two routes that all of them have.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Routes that reach users unmodified. Administration (LoRA, sleep, weights), files and other state
# are not among them, and tokens are the contract's own.
RELAYED_ROUTES = (
    "POST /v1/chat/completions",
    "POST /v1/chat/completions/batch",
    "POST /v1/completions",
    "POST /v1/responses",
    "POST /v1/messages",
    "POST /v1/messages/count_tokens",
    "POST /v1/systemone",
    "POST /v1/embeddings",
    "POST /v2/embed",
    "POST /v1/audio/transcriptions",
    "POST /v1/audio/translations",
    "POST /v1/audio/speech",
    "POST /v1/images/generations",
    "POST /v1/moderations",
    "POST /v1/rerank",
    "POST /v2/rerank",
    "POST /rerank",
    "POST /v1/score",
    "POST /score",
    "POST /generative_scoring",
    "POST /pooling",
    "POST /classify",
)
# What a server takes that does not say what it takes.
_OPENAI_FIELDS = frozenset(("messages", "tools", "tool_choice", "response_format"))
_EVERY_SERVER = frozenset(("POST /v1/chat/completions", "POST /v1/completions"))
# Fields of the contract, and the field of a chat completion that they become.
_CHAT_FIELDS = {
    "chat.tools": "tools",
    "chat.tool_choice": "tool_choice",
    "chat.messages.tool_calls": "tools",
    "chat.messages.tool_call_id": "tools",
    "chat.messages.name": "messages",
    "chat.messages.reasoning": "include_reasoning",
    "chat.template_arguments": "chat_template_kwargs",
    "chat.continue_final_message": "continue_final_message",
    "structured_output": "response_format",
    "priority": "priority",
    "options.frequency_penalty": "frequency_penalty",
    "options.presence_penalty": "presence_penalty",
    "options.logit_bias": "logit_bias",
    "options.min_p": "min_p",
    "options.ignore_eos": "ignore_eos",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The routes of a server, such as "POST /v1/responses", and the fields that it takes."""

    routes: frozenset[str]
    chat_fields: frozenset[str]
    completion_fields: frozenset[str]

    @property
    def http_routes(self) -> tuple[str, ...]:
        """The routes that are relayed."""
        return tuple(route for route in RELAYED_ROUTES if route in self.routes)

    @property
    def features(self) -> frozenset[str]:
        """The fields of the contract that the server answers, beyond what every engine does."""
        features = {path for path, name in _CHAT_FIELDS.items() if name in self.chat_fields}
        # A completion takes token ids in place of its text; no field of the schema says so.
        features.add("token_ids")
        return frozenset(features)


def from_openapi(document: Mapping[str, Any] | None) -> Capabilities:
    """What the document describes; None stands for a server that has none."""
    if document is None:
        return Capabilities(
            routes=_EVERY_SERVER, chat_fields=_OPENAI_FIELDS, completion_fields=frozenset()
        )
    paths: Mapping[str, Any] = document.get("paths") or {}
    routes = frozenset(
        f"{method.upper()} {path}" for path, methods in paths.items() for method in methods
    )
    return Capabilities(
        routes=routes,
        # `transformers serve` describes its bodies as any object.
        chat_fields=_body_fields(document, "/v1/chat/completions") or _OPENAI_FIELDS,
        completion_fields=_body_fields(document, "/v1/completions"),
    )


def _body_fields(document: Mapping[str, Any], path: str) -> frozenset[str]:
    """The names of the fields of a route's JSON body."""
    try:
        body = document["paths"][path]["post"]["requestBody"]
        schema = body["content"]["application/json"]["schema"]
    except (KeyError, TypeError):
        return frozenset()
    return frozenset(_properties(document, schema))


def _properties(document: Mapping[str, Any], schema: Mapping[str, Any]) -> set[str]:
    if reference := schema.get("$ref"):
        name = str(reference).rsplit("/", 1)[-1]
        schemas = document.get("components", {}).get("schemas", {})
        return _properties(document, schemas.get(name, {}))
    names = set(schema.get("properties", ()))
    for kind in ("anyOf", "allOf", "oneOf"):
        for each in schema.get(kind, ()):
            names |= _properties(document, each)
    return names
