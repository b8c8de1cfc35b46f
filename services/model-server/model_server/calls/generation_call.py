"""One generation call: admitted and measured."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from kaito.inference.v1 import inference_pb2 as pb
from model_server.calls.call import Call
from model_server.contract.features import reject_unanswered
from model_server.contract.request_messages import (
    parse_options,
    parse_priority,
    parse_prompt,
    parse_structured_output,
)
from model_server.contract.serving_state import ServingState
from model_server.engine import Delta, GenerationRequest


class GenerationCall(Call):
    """One call of Generate or StreamGenerate."""

    def __init__(self, method: str, request: pb.GenerateRequest, state: ServingState) -> None:
        super().__init__(method, request.request_id, state)
        self._request = request

    async def deltas(self) -> AsyncGenerator[Delta, None]:
        """The engine's deltas, measured.

        Raises:
            InferenceError: the request cannot be served, or the engine failed.
        """
        state, request = self._state, self._request
        options = parse_options(request.options)
        with state.admission.admit(options.num_return_sequences or 1):
            served = state.require_served()
            adapter = served.adapters.resolve(request.model)
            self.model = adapter or state.name
            reject_unanswered(request, served.model.features, served.model.engine)
            generation = GenerationRequest(
                prompt=parse_prompt(request),
                options=options,
                structured_output=parse_structured_output(request.structured_output),
                priority=parse_priority(request.priority),
            )
            async with (
                served.adapters.use(adapter) as engine_name,
                aclosing(
                    served.engine.generate(replace(generation, adapter=engine_name))
                ) as deltas,
            ):
                async for delta in self._measure(deltas):
                    yield delta

    async def _measure(self, deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
        metrics = self._state.metrics
        # Found once: this runs for every token.
        token_gap = metrics.token_gap.labels(self.model)
        completion_tokens = metrics.completion_tokens.labels(self.model)
        last_at: dict[int, float] = {}
        async for delta in deltas:
            now = time.monotonic()
            if not last_at:
                metrics.first_token.labels(self.model).observe(now - self._started_at)
                self._log_fields["first_token_seconds"] = round(now - self._started_at, 4)
            if delta.index in last_at:
                token_gap.observe(now - last_at[delta.index])
            last_at[delta.index] = now
            completion_tokens.inc(delta.token_count)
            if usage := delta.usage:
                metrics.prompt_tokens.labels(self.model).inc(usage.prompt_tokens)
                metrics.queued.labels(self.model).observe(usage.queued_seconds)
                self._log_fields["prompt_tokens"] = usage.prompt_tokens
                self._log_fields["completion_tokens"] = usage.completion_tokens
            yield delta
