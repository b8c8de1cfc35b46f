"""A request and its answer without any web framework: what the answering functions see. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.aks_emulator.core.errors import ArmError
from tools.aks_emulator.core.model import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`base_url` is scheme and authority as the client wrote them; header names are lower case."""

    method: str
    path: str
    base_url: str = "https://localhost:8443"
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """`cut` means that the connection is to be closed instead: the reply gets lost."""

    status: int
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


def refuse(error: ArmError) -> Reply:
    return Reply(error.status, error.body(), error.headers)
