"""The shape of each API's errors. Pure."""

import json

_BELOW = "/workspaces/{namespace}/{name}"
# With the methods that the API has. Others are refused in its shape or in the gateway's own.
_TGI = {
    "/": "POST",
    "/embed": "POST",
    "/generate": "POST",
    "/generate_stream": "POST",
    "/info": "GET",
    "/pipeline/feature-extraction": "POST",
}
# KAITO's own routes. All others have OpenAI's errors, those that the engine answers included.
_KAITO = ("/chat", "/healthz", "/livez", "/metrics")


def shape_problem(method: str, path: str, content: bytes) -> str:
    """What is wrong with the body of an error of a route; empty if nothing."""
    try:
        body = json.loads(content)
    except ValueError:
        return "an error that is no JSON"
    if not isinstance(body, dict):
        return "an error that is no object"
    route = path.removeprefix(_BELOW) or "/"
    if route in _TGI:
        texts = body.get("error"), body.get("error_type")
        right = all(isinstance(text, str) and text for text in texts)
        right = right or (method != _TGI[route] and bool(body.get("detail")))
        return "" if right else "not an error of text-generation-inference"
    if route in _KAITO:
        return "" if body.get("detail") else "an error without detail"
    error = body.get("error")
    fields = {"message", "type", "param", "code"}
    right = isinstance(error, dict) and fields <= error.keys() and bool(error["message"])
    return "" if right else "not an error of OpenAI"
