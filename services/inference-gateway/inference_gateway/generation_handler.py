"""Handles one generation request: admit, read, parse, route, generate, respond.

Independent of any API format. Whatever ends a request early also ends its generation: a client
disconnect, the time limit or a failure. A request that no model-server can have started goes to the
next one, or waits for one that restarts; one that may have started is never run again, since its
tokens would be paid for twice.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from grpc import StatusCode

from inference_gateway.admission import Admission, AdmissionControl, Share
from inference_gateway.backends.backend import BackendError, TokenRequest, TokenResponse
from inference_gateway.contract_check import StreamCheck, check_response, choice_count
from inference_gateway.demand.recorder import DemandRecorder, TrackedRequest
from inference_gateway.disconnection import ClientDisconnected
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.endpoints.outliers import BROKEN_ENGINE_STATUSES
from inference_gateway.endpoints.prompt_start import SESSION_HEADER, prompt_start
from inference_gateway.endpoints.routing import PromptStart, RouteMatch
from inference_gateway.errors import (
    NotReady,
    RequestRejected,
    from_backend,
    internal,
    timed_out,
    unavailable,
)
from inference_gateway.event_stream import EventStreamWriter, relay
from inference_gateway.formats.api_format import (
    AnyFormat,
    GenerationContext,
    ParsedRequest,
    ParsedTokenCall,
)
from inference_gateway.problem_response import respond_with_problem
from inference_gateway.relaying.http_relay import relay_http
from inference_gateway.relaying.relayed_request import RelayedRequest, from_scope
from inference_gateway.request_context import RequestContext
from inference_gateway.settings import Limits
from inference_gateway.stream_merging import merge_streams
from kaito.inference.v1 import inference_pb2 as pb

_Response = TypeVar("_Response")
logger = logging.getLogger(__name__)
_IGNORED_HEADER = b"x-kaito-ignored-parameters"
# Parameter names come from the client; only these characters are echoed in a header.
_HEADER_TEXT = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
# With names of 64 characters this makes a header of 2 KiB; servers commonly accept 8 KiB in all.
_MAX_REPORTED_PARAMETERS = 32
_CALL_TIMEOUT_MARGIN_SECONDS = 1.0
# Calls in flight for one request that generates nothing: others are to have their turn.
_MAX_CONVERSIONS = 2


class Router(Protocol):
    """Finds the model-servers that can answer for a model name."""

    def route(self, model: str, workspace: str, prompt: PromptStart) -> Sequence[RouteMatch]:
        """The matches, best first; at least one.

        `workspace` (namespace/name) narrows the search; `prompt` gives the beginning of the prompt.

        Raises:
            RequestRejected: nothing can answer for the model.
            NotReady: none of those that can is ready.
        """
        ...

    async def wait_until_ready(
        self, model: str, workspace: str, timeout_seconds: float, share: Share
    ) -> bool:
        """Waits until a model-server can answer for the model.

        False if that takes too long, or if their share already waits for each of them.
        """
        ...

    def awaited(self, model: str, workspace: str) -> str:
        """The namespace/name that `wait_until_ready` would wait for; empty if there is none."""
        ...

    def has_relayed_route(self, route: str) -> bool:
        """Whether the engine of any model has this route, such as "POST /v1/responses", itself."""
        ...

    def relays(self, route: str, model: str, workspace: str) -> bool:
        """Whether the engine of this model has this route itself.

        Raises:
            RequestRejected: as `route`.
        """
        ...


AnyRequest = ParsedRequest | ParsedTokenCall | RelayedRequest


class UpstreamErrors(Protocol):
    """Counts failed calls to model-servers."""

    def record_upstream_error(self, backend: str, code: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationHandler:
    """Handles the generation routes. `now` gives seconds since 1970."""

    router: Router
    upstream_errors: UpstreamErrors
    admission: AdmissionControl
    demand: DemandRecorder
    limits: Limits
    now: Callable[[], float]

    async def handle(
        self, context: RequestContext, api_format: AnyFormat, path: str, workspace: str = ""
    ) -> None:
        """Responds in every case. `path` is without the Workspace, which it may have named.

        Raises:
            ClientDisconnected: nobody is left to respond to.
        """
        parsed: AnyRequest | None = None
        try:
            # Admitted before the body is read, so that rejected requests take no memory.
            with self.admission.admit() as admission:
                limits = self.limits
                body = await context.read_body(
                    admission, limits.max_body_bytes, limits.body_timeout_seconds
                )
                parsed = self._relayed(context, f"POST {path}", body, workspace)
                parsed = parsed or api_format.parse(body)
                prompt = partial(prompt_start, path, body, context.header(SESSION_HEADER))
                with context.cancel_on_disconnect(), self.demand.track(context.log) as request:
                    await self._generate_within_timeout(
                        context, parsed, workspace, prompt, admission, request
                    )
        except RequestRejected as rejected:
            await respond_with_problem(context, api_format, rejected.problem)
        except BackendError as error:
            problem = from_backend(error, parsed.sent_name if parsed else _no_name)
            await respond_with_problem(context, api_format, problem)
        except ClientDisconnected:
            raise
        except Exception:
            logger.exception("request failed", extra={"request_id": context.request_id})
            await respond_with_problem(context, api_format, internal(context.request_id))

    def _relayed(
        self, context: RequestContext, route: str, body: bytes, workspace: str
    ) -> RelayedRequest | None:
        """The request, if the engine of its model has this route itself.

        Raises:
            RequestRejected: nothing can answer for the model, or no model can be read.
        """
        if not self.router.has_relayed_route(route):
            return None
        request = from_scope(route, context.scope, body)
        return request if self.router.relays(route, request.model, workspace) else None

    async def _generate_within_timeout(
        self,
        context: RequestContext,
        parsed: AnyRequest,
        workspace: str,
        prompt: PromptStart,
        admission: Admission,
        request: TrackedRequest,
    ) -> None:
        now = asyncio.get_running_loop().time
        arrived_at = now()
        deadline = arrived_at + self.limits.request_timeout_seconds
        while True:
            try:
                return await self._try_each_match(
                    deadline, context, parsed, workspace, prompt, admission, request
                )
            except (NotReady, BackendError) as error:
                if isinstance(error, BackendError) and not _may_run_elsewhere(context, error):
                    raise
                await context.meter.wait()
                left_seconds = arrived_at + self.limits.hold_seconds - now()
                with request.held_for(self.router.awaited(parsed.model, workspace)):
                    ready = await self.router.wait_until_ready(
                        parsed.model, workspace, left_seconds, admission.endpoint_share
                    )
                if not ready:
                    raise

    async def _try_each_match(
        self,
        deadline: float,
        context: RequestContext,
        parsed: AnyRequest,
        workspace: str,
        prompt: PromptStart,
        admission: Admission,
        request: TrackedRequest,
    ) -> None:
        matches = self.router.route(parsed.model, workspace, prompt)
        if isinstance(parsed, RelayedRequest):
            # While the engine is replaced by another one, its model-servers may differ.
            matches = [match for match in matches if match.endpoint.relays(parsed.route)]
            if not matches:
                raise NotReady(unavailable(f"no ready model-server relays {parsed.route}"))
        # One that is full rejects what another one has room for.
        share = admission.endpoint_share
        matches = [match for match in matches if match.endpoint.has_room(share)] or matches
        for match in matches:
            request.sent_to(match.endpoint.address.label)
            try:
                with match.endpoint.track_in_flight(admission.endpoint_share) as call:
                    await self._generate_until(deadline, context, parsed, match)
                    call.failed = context.status in BROKEN_ENGINE_STATUSES
                return
            except BackendError as error:
                self.upstream_errors.record_upstream_error(
                    match.endpoint.address.label, error.code.name
                )
                if match is matches[-1] or not _may_run_elsewhere(context, error):
                    raise

    async def _generate_until(
        self,
        deadline: float,
        context: RequestContext,
        parsed: AnyRequest,
        match: RouteMatch,
    ) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                model = await match.endpoint.loaded_model()
                # Before generation: a stream sends its headers with the first delta.
                _report_ignored_parameters(context, parsed.ignored_parameters(model))
                generation = GenerationContext(
                    request_id=context.request_id,
                    created=int(self.now()),
                    served_model=match.served_model,
                    model=model,
                )
                if isinstance(parsed, RelayedRequest):
                    await self._relay_http(context, parsed, match.endpoint, generation)
                elif isinstance(parsed, ParsedTokenCall):
                    await self._convert(context, parsed, match.endpoint, generation)
                else:
                    await self._generate(context, parsed, match.endpoint, generation)
        except TimeoutError:
            message = timed_out(self.limits.request_timeout_seconds).message
            raise BackendError(StatusCode.DEADLINE_EXCEEDED, message) from None

    async def _relay_http(
        self,
        context: RequestContext,
        request: RelayedRequest,
        endpoint: Endpoint,
        generation: GenerationContext,
    ) -> None:
        context.log.backend = endpoint.address.label
        request = await context.meter.start_relayed(request, endpoint, generation)
        limits = self.limits
        await relay_http(
            context,
            request,
            endpoint,
            model=generation.served_model or generation.model.default_model,
            served_model=generation.served_model,
            timeout_seconds=limits.request_timeout_seconds + _CALL_TIMEOUT_MARGIN_SECONDS,
            first_timeout_seconds=limits.first_token_timeout_seconds,
        )

    async def _convert(
        self,
        context: RequestContext,
        call: ParsedTokenCall,
        endpoint: Endpoint,
        generation: GenerationContext,
    ) -> None:
        """Calls that generate nothing, a few at a time."""
        context.log.backend = endpoint.address.label
        context.log.model = generation.served_model or generation.model.default_model
        timeout = self.limits.request_timeout_seconds + _CALL_TIMEOUT_MARGIN_SECONDS
        calls = asyncio.Semaphore(_MAX_CONVERSIONS)

        async def convert(index: int, request: TokenRequest) -> TokenResponse:
            async with calls:
                try:
                    return await endpoint.backend.convert(request, timeout)
                except BackendError as error:
                    error.move(call.place(index, error.field))
                    raise

        requests = call.requests(generation)
        await context.meter.start(requests, endpoint, generation)
        responses = await _gather([convert(*each) for each in enumerate(requests)])
        endpoint.record_answer()
        for response in responses:
            if isinstance(response, pb.EmbedResponse):
                context.record_usage(response.model, response.usage)
        await context.respond(200, call.render(responses, generation.model))

    async def _generate(
        self,
        context: RequestContext,
        parsed: ParsedRequest,
        endpoint: Endpoint,
        generation: GenerationContext,
    ) -> None:
        context.log.backend = endpoint.address.label
        requests = parsed.requests(generation)
        await context.meter.start(requests, endpoint, generation, is_streaming=parsed.is_streaming)
        try:
            await self._relay(context, parsed, endpoint, requests, generation)
        except BackendError as error:
            # What one of several prompts met says nothing about whether the others have started.
            error.may_have_started |= len(requests) > 1
            raise

    async def _relay(
        self,
        context: RequestContext,
        parsed: ParsedRequest,
        endpoint: Endpoint,
        requests: Sequence[pb.GenerateRequest],
        generation: GenerationContext,
    ) -> None:
        limits = self.limits
        # The request's own time limit, which has a message of its own, expires before this one.
        timeout = limits.request_timeout_seconds + _CALL_TIMEOUT_MARGIN_SECONDS
        if parsed.is_streaming:
            streams = [endpoint.backend.stream(request, timeout) for request in requests]
            async with aclosing(merge_streams(context.meter.watch(streams))) as messages:
                await relay(
                    messages,
                    EventStreamWriter(
                        context,
                        parsed.event_encoder(generation),
                        StreamCheck(prompts=len(requests), choices=choice_count(requests[0])),
                        endpoint.time_stream(),
                    ),
                    keep_alive_seconds=limits.sse_keep_alive_seconds,
                    first_timeout_seconds=limits.first_token_timeout_seconds,
                )
        else:
            calls = [endpoint.backend.generate(request, timeout) for request in requests]
            responses = await _gather(calls)
            endpoint.record_answer()
            for request, response in zip(requests, responses, strict=True):
                check_response(request, response)
                context.record_usage(response.model, response.usage)
            await context.respond(200, parsed.response_body(responses, generation))


async def _gather(calls: Sequence[Coroutine[Any, Any, _Response]]) -> list[_Response]:
    """All responses in order. The first failure cancels the other calls."""
    if len(calls) == 1:
        return [await calls[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failures:
        # The others are usually the cancellations that the first one caused.
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _may_run_elsewhere(context: RequestContext, error: BackendError) -> bool:
    """Whether no model-server has started the request, and another one may take it."""
    started = context.started or error.may_have_started
    return error.code is StatusCode.UNAVAILABLE and not started


def _no_name(field: str) -> str | None:
    """No field of a body that was not parsed is known."""


def _report_ignored_parameters(context: RequestContext, names: Sequence[str]) -> None:
    safe = [name for name in names if _HEADER_TEXT.fullmatch(name)][:_MAX_REPORTED_PARAMETERS]
    # Once more, if the request goes to another model-server.
    context.headers[:] = [each for each in context.headers if each[0] != _IGNORED_HEADER]
    if safe:
        context.headers.append((_IGNORED_HEADER, ", ".join(safe).encode()))
