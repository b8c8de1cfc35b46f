"""Picks the model-server for one request, or holds it until there is one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from inference_gateway.admission import Admission
from inference_gateway.demand.recorder import TrackedRequest
from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.endpoints.prompt_start import SESSION_HEADER, prompt_start
from inference_gateway.endpoints.routing import PromptStart, RouteMatch
from inference_gateway.errors import NotReady, unavailable
from inference_gateway.paths import split_workspace
from inference_gateway.relaying.relayed_request import read_model


@dataclass(frozen=True, slots=True)
class PickedRequest:
    """What the choice depends on. `workspace` (namespace/name) is the pool's; empty for any.

    `subset` holds the addresses of which one must be picked; None for any.
    """

    headers: Mapping[str, str]
    body: bytes
    workspace: str = ""
    subset: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Picked:
    """A model-server, and the address at which its pod answers HTTP."""

    match: RouteMatch
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Picker:
    """Chooses as the front door does. `port` is that of HTTP in the models' pods."""

    pool: EndpointPool
    port: int
    hold_seconds: float

    async def pick(
        self, request: PickedRequest, admission: Admission, tracked: TrackedRequest
    ) -> Picked:
        """The model-server that the request belongs to, as far as loads allow.

        Raises:
            RequestRejected: the body is none, nothing serves its model, or all of them are full.
            NotReady: none of those that may be picked is ready.
        """
        path = request.headers.get(":path", "").partition("?")[0]
        workspace, path = split_workspace(path)
        workspace = workspace or request.workspace
        model = ""
        if request.body:
            model = read_model(request.body, request.headers.get("content-type", ""))
        session = request.headers.get(SESSION_HEADER.decode(), "")
        prompt = partial(prompt_start, path, request.body, session)
        matches = await self._route(model, workspace, prompt, request, admission, tracked)
        found = self._addressed(matches, request.subset)
        share = admission.endpoint_share
        return next((each for each in found if each.match.endpoint.has_room(share)), found[0])

    async def _route(
        self,
        model: str,
        workspace: str,
        prompt: PromptStart,
        request: PickedRequest,
        admission: Admission,
        tracked: TrackedRequest,
    ) -> Sequence[RouteMatch]:
        """Those that are ready, waited for as the front door waits.

        Raises:
            RequestRejected: as `pick`.
        """
        now = asyncio.get_running_loop().time
        deadline = now() + self.hold_seconds
        while True:
            try:
                return self.pool.route(model, workspace, prompt)
            except NotReady:
                # A gateway that offers a choice has others to offer.
                if request.subset is not None:
                    raise
                with tracked.held_for(self.pool.awaited(model, workspace)):
                    ready = await self.pool.wait_until_ready(
                        model, workspace, deadline - now(), admission.endpoint_share
                    )
                if not ready:
                    raise

    def _addressed(
        self, matches: Sequence[RouteMatch], subset: frozenset[str] | None
    ) -> list[Picked]:
        """Those with a known address, of the subset if there is one; at least one.

        Raises:
            NotReady: there is none.
        """
        known = [
            Picked(match, address)
            for match in matches
            if (address := self._address(match)) is not None
        ]
        if not known:
            raise NotReady(unavailable("no model-server has reported the address of its pod yet"))
        found = [each for each in known if subset is None or each.address in subset]
        if not found:
            raise NotReady(
                unavailable("none of the endpoints that the gateway offers serves the model now")
            )
        return found

    def _address(self, match: RouteMatch) -> str | None:
        model = match.endpoint.model
        host = model.pod_address if model else ""
        if not host:
            return None
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"
