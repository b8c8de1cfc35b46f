"""One generation call: admitted, measured, and logged when it ends."""

import logging
import re
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import grpc

from kaito.inference.v1 import inference_pb2 as pb
from model_server.engine import Delta, GenerationRequest
from model_server.features import reject_unanswered
from model_server.request_messages import (
    parse_options,
    parse_priority,
    parse_prompt,
    parse_structured_output,
)
from model_server.serving_state import ServingState

logger = logging.getLogger(__name__)
_CLIENT_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")


class GenerationCall:
    """One call of Generate or StreamGenerate. Prompts and answers are never logged."""

    def __init__(self, method: str, request: pb.GenerateRequest, state: ServingState) -> None:
        self._method = method
        self._request = request
        self._state = state
        self._started_at = time.monotonic()
        # It is logged and echoed, so a client's own may only hold characters that are safe there.
        is_safe = _CLIENT_REQUEST_ID.fullmatch(request.request_id)
        self.id: str = request.request_id if is_safe else uuid.uuid4().hex
        # The metrics' label until the model is known: a client must not be able to create series.
        self.model = "unknown"
        self._log_fields: dict[str, object] = {}

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
                adapter=adapter,
                structured_output=parse_structured_output(request.structured_output),
                priority=parse_priority(request.priority),
            )
            async with (
                served.adapters.use(adapter),
                aclosing(served.engine.generate(generation)) as deltas,
            ):
                async for delta in self._measure(deltas):
                    yield delta

    async def _measure(self, deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
        metrics = self._state.metrics
        last_at: dict[int, float] = {}
        async for delta in deltas:
            now = time.monotonic()
            if not last_at:
                metrics.first_token.labels(self.model).observe(now - self._started_at)
                self._log_fields["first_token_seconds"] = round(now - self._started_at, 4)
            if delta.index in last_at:
                metrics.token_gap.labels(self.model).observe(now - last_at[delta.index])
            last_at[delta.index] = now
            metrics.completion_tokens.labels(self.model).inc(delta.token_count)
            if usage := delta.usage:
                metrics.prompt_tokens.labels(self.model).inc(usage.prompt_tokens)
                metrics.queued.labels(self.model).observe(usage.queued_seconds)
                self._log_fields["prompt_tokens"] = usage.prompt_tokens
                self._log_fields["completion_tokens"] = usage.completion_tokens
            yield delta

    def end(self, code: grpc.StatusCode, message: str = "") -> None:
        """Count and log how the call ended."""
        seconds = time.monotonic() - self._started_at
        metrics = self._state.metrics
        metrics.requests.labels(self._method, self.model, code.name).inc()
        metrics.duration.labels(self.model).observe(seconds)
        fields = {
            "method": self._method,
            "request_id": self.id,
            "model": self.model,
            "code": code.name,
            "seconds": round(seconds, 4),
            **self._log_fields,
        }
        logger.info(message or "request ended", extra=fields)
