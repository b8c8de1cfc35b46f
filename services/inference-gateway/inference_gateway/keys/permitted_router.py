"""The models as one key sees them: those that it may use, and no others."""

from collections.abc import Sequence
from dataclasses import dataclass

from inference_gateway.admission import Share
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.endpoints.routing import PromptStart, RouteMatch, no_prompt
from inference_gateway.errors import NotReady, RequestRejected
from inference_gateway.keys import problems
from inference_gateway.keys.permissions import Permissions
from kaito_keys.key_policy import KeyPolicy


@dataclass(frozen=True, slots=True)
class PermittedRouter:
    """Implements `Router`. A name that only other tenants use does not clash with one's own."""

    pool: EndpointPool
    policy: KeyPolicy
    permissions: Permissions

    def route(
        self, model: str, workspace: str = "", prompt: PromptStart = no_prompt
    ) -> Sequence[RouteMatch]:
        """As EndpointPool.route.

        Raises:
            RequestRejected: 403, the key may not use the model; and as there.
        """
        try:
            matches = self.pool.route(model, workspace, prompt, self.permissions.may_see)
        except NotReady:
            raise
        except RequestRejected as rejected:
            raise self._translated(rejected, model, workspace) from None
        permitted = self.permissions.filter(matches)
        if not permitted:
            raise problems.model_not_allowed(model or workspace, self.policy)
        return permitted

    async def wait_until_ready(
        self, model: str, workspace: str, timeout_seconds: float, share: Share
    ) -> bool:
        return await self.pool.wait_until_ready(
            model, workspace, timeout_seconds, share, self.permissions.may_see
        )

    def awaited(self, model: str, workspace: str) -> str:
        return self.pool.awaited(model, workspace, self.permissions.may_see)

    def has_relayed_route(self, route: str) -> bool:
        return self.pool.has_relayed_route(route)

    def relays(self, route: str, model: str, workspace: str) -> bool:
        """As EndpointPool.relays.

        Raises:
            RequestRejected: as `route`.
        """
        try:
            return self.pool.relays(route, model, workspace, self.permissions.may_see)
        except RequestRejected as rejected:
            raise self._translated(rejected, model, workspace) from None

    def _translated(self, rejected: RequestRejected, model: str, workspace: str) -> RequestRejected:
        """403 in place of 404 for what exists and is not the key's to use."""
        if rejected.problem.code != "model_not_found":
            return rejected
        try:
            self.pool.relays("", model, workspace)
        except RequestRejected as unseen:
            if unseen.problem.code == "model_not_found":
                return rejected
        return problems.model_not_allowed(model or workspace, self.policy)
