"""Requests and responses, independent of the web framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`base_url` is scheme and authority as the client sent them; header names are lowercase."""

    method: str
    path: str
    base_url: str = "https://localhost:8443"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """With `drop_connection`, the connection is closed and the response is lost."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_connection: bool = False


def error_response(error: ArmError) -> Response:
    return Response(error.status, error.body(), error.headers)
