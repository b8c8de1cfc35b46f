"""What the server's published OpenAPI document says of a request and of an answer.

`openapi.json` says where it is from.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENT: Mapping[str, Any] = json.loads(
    Path(__file__).with_name("openapi.json").read_text(encoding="utf-8")
)
_STREAM = "text/event-stream"


def check_request(route: str, body: object) -> None:
    """Check the body of a request to a route, such as "POST /generate".

    Raises:
        AssertionError: the document does not have such a request.
    """
    _check(f"request of {route}", _operation(route)["requestBody"], body)


def check_answer(route: str, status: int, body: object) -> None:
    """Check an answer, or one event of it if it is streamed.

    Raises:
        AssertionError: the document does not have such an answer.
    """
    answers = _operation(route)["responses"]
    assert str(status) in answers, f"{route} does not answer {status}"
    _check(f"answer {status} of {route}", answers[str(status)], body)


def _operation(route: str) -> Mapping[str, Any]:
    method, _, path = route.partition(" ")
    operation: Mapping[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return operation


def _check(what: str, message: Mapping[str, Any], body: object) -> None:
    content = message.get("content", {})
    media = content.get("application/json") or content.get(_STREAM)
    if media is None:
        assert body is None, f"{what} has no body: {body}"
        return
    problems = [
        f"{error.json_path}: {error.message}"
        for error in _validator(media["schema"]["$ref"]).iter_errors(body)
    ]
    assert not problems, f"{what} breaks the published document: {problems}"


@cache
def _validator(reference: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": reference, "components": DOCUMENT["components"]})
