"""The JSON Schema of a request, for a server that takes it as JSON. Pure."""

import json
from typing import Any

from model_server.errors import InvalidRequest

FIELD = "structured_output.json_schema"


def parse_schema(text: str) -> Any:
    """The schema.

    Raises:
        InvalidRequest: it is not JSON.
    """
    try:
        return json.loads(text)
    # Nested too deeply, or an integer of thousands of digits.
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(FIELD, text[:64], f"is not JSON: {error}") from error
