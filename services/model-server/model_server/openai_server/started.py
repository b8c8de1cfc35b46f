"""A server that has answered: its model, and what it can do."""

from dataclasses import dataclass

from model_server.errors import InvalidRequest
from model_server.openai_server.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class StartedServer:
    """`model` is the server's name of the model, `context_tokens` of prompt and answer together."""

    model: str
    context_tokens: int
    capabilities: Capabilities

    def require_route(self, route: str) -> None:
        """Check that the server has a route.

        Raises:
            InvalidRequest: it has not.
        """
        if route not in self.capabilities.routes:
            raise InvalidRequest(
                "model", self.model, f"its engine has no {route}; ask an engine that has"
            )
