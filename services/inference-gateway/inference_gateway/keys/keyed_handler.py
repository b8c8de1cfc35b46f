"""Handles generation requests of a gateway with keys: who asks, what they may use, what it cost."""

import asyncio
import uuid
from dataclasses import dataclass, replace

from inference_gateway.endpoints.pool import EndpointPool
from inference_gateway.errors import RequestRejected
from inference_gateway.formats.api_format import AnyFormat
from inference_gateway.generation_handler import GenerationHandler
from inference_gateway.keys import problems
from inference_gateway.keys.accounting import Accounting
from inference_gateway.keys.door import Door
from inference_gateway.keys.key_meter import KeyMeter
from inference_gateway.keys.permissions import Permissions
from inference_gateway.keys.permitted_router import PermittedRouter
from inference_gateway.metering import UNMETERED
from inference_gateway.problem_response import respond_with_problem
from inference_gateway.request_context import RequestContext
from kaito_keys.key_policy import KeyPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedHandler:
    """Has the interface of GenerationHandler, which does the work."""

    handler: GenerationHandler
    pool: EndpointPool
    door: Door
    accounting: Accounting

    async def handle(
        self, context: RequestContext, api_format: AnyFormat, path: str, workspace: str = ""
    ) -> None:
        """Responds in every case.

        Raises:
            ClientDisconnected: nobody is left to respond to.
        """
        try:
            policy = self.door.authenticate(context.scope["headers"])
        except RequestRejected as rejected:
            self.accounting.metrics.record_refusal("invalid_api_key")
            await respond_with_problem(context, api_format, rejected.problem)
            return
        meter = KeyMeter(
            context=context, policy=policy, accounting=self.accounting, id=uuid.uuid4().hex
        )
        context.meter = meter
        handler = self._handler_of(policy)
        try:
            async with asyncio.timeout(None) as timeout:
                with self.door.admit(policy, timeout):
                    await handler.handle(context, api_format, path, workspace)
        except TimeoutError:
            # The headers are sent once: a response that has not begun ends with 401.
            await respond_with_problem(context, api_format, problems.revoked_key())
        finally:
            # Each of them refers to the other: without the garbage collector they would stay.
            context.meter = UNMETERED
            meter.finish()

    def _handler_of(self, policy: KeyPolicy) -> GenerationHandler:
        permissions = Permissions.of(policy)
        if permissions.allow_all:
            return self.handler
        return replace(self.handler, router=PermittedRouter(self.pool, policy, permissions))
