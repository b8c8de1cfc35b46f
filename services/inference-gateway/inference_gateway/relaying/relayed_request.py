"""A request as the engine's own server gets it, and the routes that only such servers have. Pure.

What a model-server lists as its engine's routes is relayed: the body is looked into for the model's
name and for nothing else.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from inference_gateway.errors import Problem, RequestRejected, openai_body
from inference_gateway.formats.api_format import ParsedRequest
from kaito.inference.v1 import inference_pb2 as pb

# Of the routes that model-servers relay, those for which the gateway has no format of its own.
ENGINE_PATHS = (
    "/v1/chat/completions/batch",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/systemone",
    "/v2/embed",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/speech",
    "/v1/images/generations",
    "/v1/moderations",
    "/v1/rerank",
    "/v2/rerank",
    "/rerank",
    "/v1/score",
    "/score",
    "/generative_scoring",
    "/pooling",
    "/classify",
)
# What a client says of its body and of the answer that it wants.
_RELAYED_HEADERS = (b"accept", b"content-type")
_FORM_MODEL = re.compile(
    rb'\r\ncontent-disposition: form-data; name="model"\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n--',
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedRequest:
    """One request. `route` is a method and a path, as model-servers list them.

    `hides_usage` says that the client has not asked for the tokens of its stream, and we have.
    """

    route: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    model: str
    hides_usage: bool = False

    def ignored_parameters(self, _model: pb.Model) -> tuple[str, ...]:
        """None: the engine reads all of them."""
        return ()

    def sent_name(self, field: str) -> str | None:
        """The client's name of a field: the contract knows the model's only."""
        return field if field == "model" else None

    def head(self, served_model: str, request_id: str) -> pb.HttpRequestHead:
        """The first message of the exchange."""
        return pb.HttpRequestHead(
            route=self.route,
            query=self.query,
            headers=[pb.HttpHeader(name=name, value=value) for name, value in self.headers],
            model=served_model,
            request_id=request_id,
        )


def from_scope(route: str, scope: Any, body: bytes) -> RelayedRequest:
    """The request of this ASGI scope and body.

    Raises:
        RequestRejected: 400, a JSON body is none, or its model is not a string.
    """
    headers = tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
        if name in _RELAYED_HEADERS
    )
    return RelayedRequest(
        route=route,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        model=read_model(body, dict(headers).get("content-type", "")),
    )


def read_model(body: bytes, content_type: str) -> str:
    """The model that the body names; empty if it names none."""
    if content_type.lower().startswith("multipart/form-data"):
        found = _FORM_MODEL.search(body)
        return found[1].decode(errors="replace") if found else ""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise _rejected("the body is not JSON", None) from None
    if not isinstance(content, dict):
        raise _rejected("the body is not a JSON object", None)
    model = content.get("model")
    if model is not None and not isinstance(model, str):
        raise _rejected("model must be a string", "model")
    # Half of a surrogate pair is valid JSON, and no text of the contract.
    if model and model.encode(errors="ignore").decode() != model:
        raise _rejected("model has half of a surrogate pair", "model")
    return model or ""


def _rejected(message: str, param: str | None) -> RequestRejected:
    return RequestRejected(Problem(status=400, message=message, param=param, code="invalid_value"))


@dataclass(frozen=True, slots=True)
class EngineFormat:
    """The format of a route that only an engine's own server can answer."""

    path: str

    def parse(self, body: bytes) -> ParsedRequest:
        """Never parses: a request that comes here was not relayed.

        Raises:
            RequestRejected: 404, always.
        """
        raise RequestRejected(
            Problem(
                status=404,
                message=f"the engine of this model does not answer {self.path}",
                code="route_not_supported",
            )
        )

    def error_body(self, problem: Problem) -> bytes:
        """OpenAI's shape: most clients of these routes are OpenAI's."""
        return openai_body(problem)
