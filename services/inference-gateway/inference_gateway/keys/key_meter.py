"""Reserves what one request may cost, and settles what it did."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from inference_gateway.backends.backend import TokenRequest
from inference_gateway.endpoints.endpoint import Endpoint
from inference_gateway.errors import CLIENT_CLOSED_REQUEST, RequestRejected
from inference_gateway.formats.api_format import GenerationContext
from inference_gateway.keys import problems
from inference_gateway.keys.accounting import Accounting
from inference_gateway.keys.cost_bound import (
    TokenBound,
    conversion_bound,
    generation_bound,
    limit_answers,
)
from inference_gateway.keys.ledger.store import Amount
from inference_gateway.keys.prices import Price
from inference_gateway.keys.prompt_counting import count_prompts
from inference_gateway.keys.rate_limit_headers import rate_limit_headers
from inference_gateway.keys.relayed_work import prepare, relayed_bound
from inference_gateway.keys.stream_count import StreamCount
from inference_gateway.keys.used_tokens import Outcome, UsedTokens, used_tokens
from inference_gateway.metering import Stream
from inference_gateway.relaying.relayed_request import RelayedRequest
from inference_gateway.request_context import RequestContext
from kaito.inference.v1 import inference_pb2 as pb
from kaito_keys.key_policy import KeyPolicy
from kaito_keys.limits import Unit


@dataclass(slots=True, kw_only=True)
class KeyMeter:
    """Implements `Meter` for one request. `id` is the ledger's own: a client may repeat its own."""

    context: RequestContext
    policy: KeyPolicy
    accounting: Accounting
    id: str
    _endpoint: Endpoint | None = None
    _model: str = ""
    _price: Price | None = None
    _bound: TokenBound = field(default_factory=lambda: TokenBound(0, 0))
    _prompts: Sequence[pb.GenerateRequest] = ()
    _calls: int = 0
    _inputs: int = 1
    _streams: StreamCount | None = None
    _is_streaming: bool = False

    async def wait(self) -> None:
        # A model is not started, nor kept, for a key that has nothing left.
        if self._endpoint is None:
            with self._recorded_refusals():
                await self.accounting.ledger.check(self.policy)

    async def start(
        self,
        requests: Sequence[pb.GenerateRequest] | Sequence[TokenRequest],
        endpoint: Endpoint,
        generation: GenerationContext,
        *,
        is_streaming: bool = False,
    ) -> None:
        self._is_streaming = is_streaming
        generations = [each for each in requests if isinstance(each, pb.GenerateRequest)]
        if not generations:
            calls = [each for each in requests if not isinstance(each, pb.GenerateRequest)]
            embeds = sum(isinstance(each, pb.EmbedRequest) for each in calls)
            await self._reserve(
                conversion_bound(calls, generation.model), embeds, endpoint, generation
            )
            return
        self._prompts = generations
        for request in generations:
            # Lower numbers run first: no client gets before its key's place.
            request.priority = max(request.priority, self.policy.priority)
        if self.policy.has_limit_on(Unit.TOKENS) or self.policy.has_limit_on(Unit.DOLLARS):
            limit_answers(generations)
        bound = generation_bound(generations, generation.model)
        await self._reserve(bound, len(generations), endpoint, generation)

    async def start_relayed(
        self, request: RelayedRequest, endpoint: Endpoint, generation: GenerationContext
    ) -> RelayedRequest:
        prepared = prepare(request, self.policy.priority)
        self._is_streaming, self._inputs = prepared.is_streaming, prepared.inputs
        bound = relayed_bound(prepared, generation.model)
        await self._reserve(bound, int(prepared.is_counted), endpoint, generation)
        return prepared.request

    def watch(self, streams: Sequence[Stream]) -> Sequence[Stream]:
        # Once more, where the first model-server certainly did not start it.
        self._streams = StreamCount()
        return self._streams.watch(streams, self._prompts)

    def finish(self) -> None:
        """Settles what the request has used. Called once, when it has ended, however it did."""
        if self._endpoint is None:
            return
        outcome = self._outcome()
        used = used_tokens(outcome)
        if used.prompt is None:
            self.accounting.ledger.settler.determine(self._count_and_settle(outcome, used))
        else:
            estimated = used.estimated or self.context.log.cut_events > 0
            self._settle(used.prompt, used.completion, estimated=estimated)

    def _outcome(self) -> Outcome:
        log, streams = self.context.log, self._streams
        if streams is not None:
            self._prompts = streams.begun
        return Outcome(
            status=self.context.status or CLIENT_CLOSED_REQUEST,
            is_streaming=self._is_streaming,
            begun=self._calls if streams is None else len(streams.begun),
            counted=self._counted_answers() if streams is None else streams.counted,
            prompt=log.prompt_tokens if streams is None else streams.prompt,
            completion=log.completion_tokens if streams is None else streams.completion,
            partial=self._unreported() if streams is None else streams.partial,
            bound=self._bound,
        )

    def _counted_answers(self) -> int:
        """The answers whose prompts are known. The events of a stream report one prompt each."""
        log = self.context.log
        return 0 if log.cut_events and (self._inputs > 1 or not log.prompt_tokens) else log.usages

    def _unreported(self) -> int:
        """Tokens that no event reported: of a stream that was cut, each event has one or more."""
        log = self.context.log
        return max(log.cut_events - log.completion_tokens, 0)

    async def _reserve(
        self, bound: TokenBound, calls: int, endpoint: Endpoint, generation: GenerationContext
    ) -> None:
        if self._endpoint is not None:
            # The first model-server certainly did not start it.
            self._endpoint = endpoint
            return
        self._model = generation.served_model or generation.model.default_model
        names = (endpoint.address.label, self._model, endpoint.preset)
        self._price = self.accounting.prices.find(names)
        if self._price is None and self.policy.has_limit_on(Unit.DOLLARS):
            raise problems.price_unknown(self._model, self.policy)
        nanodollars = self._price.nanodollars(bound.prompt, bound.completion) if self._price else 0
        amount = Amount(requests=1, tokens=bound.prompt + bound.completion, nanodollars=nanodollars)
        with self._recorded_refusals():
            standing = await self.accounting.ledger.reserve(self.policy, self.id, amount)
        self._endpoint, self._bound, self._calls = endpoint, bound, calls
        if standing is not None:
            self.context.headers += rate_limit_headers(self.policy.limits, standing)

    @contextmanager
    def _recorded_refusals(self) -> Iterator[None]:
        """Passes on what the ledger refuses, and counts it."""
        try:
            yield
        except RequestRejected as rejected:
            self.accounting.metrics.record_refusal(rejected.problem.code or "")
            raise

    async def _count_and_settle(self, outcome: Outcome, used: UsedTokens) -> None:
        """Asks how many tokens the prompts have, whose answers nobody waited for."""
        assert self._endpoint is not None
        counted = None
        if self._prompts:
            counted = await count_prompts(self._endpoint.backend, self._prompts)
        prompt = self._bound.prompt if counted is None else counted
        estimated = used.estimated or counted is None
        self._settle(max(prompt, outcome.prompt), used.completion, estimated=estimated)

    def _settle(self, prompt: int, completion: int, *, estimated: bool) -> None:
        assert self._endpoint is not None
        nanodollars = self._price.nanodollars(prompt, completion) if self._price else None
        self.accounting.ledger.settle(
            self.policy,
            self.id,
            Amount(requests=1, tokens=prompt + completion, nanodollars=nanodollars or 0),
        )
        self.accounting.record(
            self.context,
            self.policy,
            self._endpoint.address,
            model=self._model,
            prompt_tokens=prompt,
            completion_tokens=completion,
            nanodollars=nanodollars,
            estimated=estimated,
        )
