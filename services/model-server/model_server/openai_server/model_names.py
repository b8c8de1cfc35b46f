"""Puts the name that the server knows a model by into the body of a relayed request. Pure."""

import json
import re

from model_server.errors import InvalidRequest

# The part of a form that holds the model's name: its headers, then its content to the boundary.
_FORM_PART = re.compile(
    rb'(\r\ncontent-disposition: form-data; name="model"\r\n(?:[^\r\n]+\r\n)*\r\n)[^\r\n]*(\r\n--)',
    re.IGNORECASE,
)


def set_model(body: bytes, content_type: str, model: str) -> bytes:
    """The body with `model` in place of the client's name of it; other kinds stay as they are.

    Raises:
        InvalidRequest: the body is not what its content type says.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        return _FORM_PART.sub(lambda found: found[1] + model.encode() + found[2], body, count=1)
    if kind == "application/json":
        return _set_in_json(body, model)
    return body


def _set_in_json(body: bytes, model: str) -> bytes:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("body", "...", f"is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise InvalidRequest("body", "...", "is not a JSON object")
    changed = json.dumps(content | {"model": model}, ensure_ascii=False)
    # Half of a surrogate pair is valid JSON, as the escape that it came as.
    return changed.encode(errors="backslashreplace")
