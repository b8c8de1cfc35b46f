"""AdapterAdministrationService: loads and unloads adapters, for whoever has the token.

It has a server and a port of its own, so that a NetworkPolicy can keep everybody else away from it.
"""

import hashlib
import hmac
import logging

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from kaito.inference.v1 import inference_pb2_grpc
from model_server.contract.response_messages import to_adapter, to_pulled_adapter
from model_server.contract.responses import Context, respond
from model_server.contract.serving_state import ServingState
from model_server.errors import NotSupported
from model_server.pulled_adapters.reconciler import PulledAdapters
from model_server.pulled_adapters.request import parse_wanted

logger = logging.getLogger(__name__)
_SCHEME = "Bearer "


class AdapterAdministrationService(inference_pb2_grpc.AdapterAdministrationServiceServicer):
    """One method per call of the contract."""

    def __init__(
        self, state: ServingState, token_sha256: str, pulled: PulledAdapters | None
    ) -> None:
        """`token_sha256` is the hexadecimal digest of the token: who reads it learns no token."""
        self._state = state
        self._token_sha256 = token_sha256
        self._pulled = pulled

    async def LoadAdapter(  # noqa: N802
        self, request: pb.LoadAdapterRequest, context: Context
    ) -> pb.LoadAdapterResponse:
        await self._authenticate(context)

        async def load() -> pb.LoadAdapterResponse:
            adapters = self._state.require_served().adapters
            strength = request.strength if request.HasField("strength") else 1.0
            adapter = await adapters.load(request.name, request.path, strength)
            logger.info("adapter loaded", extra={"adapter": request.name})
            return pb.LoadAdapterResponse(adapter=to_adapter(adapter))

        return await respond(context, None, load)

    async def UnloadAdapter(  # noqa: N802
        self, request: pb.UnloadAdapterRequest, context: Context
    ) -> pb.UnloadAdapterResponse:
        await self._authenticate(context)

        async def unload() -> pb.UnloadAdapterResponse:
            await self._state.require_served().adapters.unload(request.name)
            logger.info("adapter unloaded", extra={"adapter": request.name})
            return pb.UnloadAdapterResponse()

        return await respond(context, None, unload)

    async def SetPulledAdapters(  # noqa: N802
        self, request: pb.SetPulledAdaptersRequest, context: Context
    ) -> pb.SetPulledAdaptersResponse:
        await self._authenticate(context)

        async def set_() -> pb.SetPulledAdaptersResponse:
            wanted = parse_wanted(request)
            await self._require_pulled().set(wanted)
            names = [adapter.name for adapter in wanted.adapters]
            logger.info("adapters to pull", extra={"adapters": names})
            return pb.SetPulledAdaptersResponse()

        return await respond(context, None, set_)

    async def ListPulledAdapters(  # noqa: N802
        self, request: pb.ListPulledAdaptersRequest, context: Context
    ) -> pb.ListPulledAdaptersResponse:
        await self._authenticate(context)

        async def list_() -> pb.ListPulledAdaptersResponse:
            pulled = self._require_pulled()
            return pb.ListPulledAdaptersResponse(
                revision=pulled.revision, adapters=map(to_pulled_adapter, pulled.report())
            )

        return await respond(context, None, list_)

    def _require_pulled(self) -> PulledAdapters:
        if self._pulled is None:
            raise NotSupported(
                "this server pulls no adapters: KAITO_PULLED_ADAPTERS_DIR is not set"
            )
        return self._pulled

    async def _authenticate(self, context: Context) -> None:
        """End the call unless it has the token."""
        values = [
            value for key, value in context.invocation_metadata() or () if key == "authorization"
        ]
        if len(values) != 1 or not self._is_token(str(values[0])):
            logger.warning("a call without the token of the administration was refused")
            await context.abort(
                grpc.StatusCode.UNAUTHENTICATED,
                "set the metadata authorization to Bearer and the token of this Workspace",
            )

    def _is_token(self, value: str) -> bool:
        token = value.removeprefix(_SCHEME)
        digest = hashlib.sha256(token.encode()).hexdigest()
        return value.startswith(_SCHEME) and hmac.compare_digest(digest, self._token_sha256)
