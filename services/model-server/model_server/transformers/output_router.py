"""Takes the states of sequences from the batching manager's thread to the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Queue
from typing import Any

from transformers.generation.continuous_batching.requests import RequestStatus

from model_server.errors import EngineFailed, GenerationFailed, InferenceError


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceState:
    """All new tokens of a sequence so far. `error` ends the sequence."""

    tokens: Sequence[int]
    finished: bool
    queued_seconds: float
    error: InferenceError | None


StateListener = Callable[[SequenceState], None]


class OutputRouter:
    """Calls the listener of each sequence, on the event loop.

    Replaces the manager's own router, which keeps the outputs of sequences that nobody reads.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.listeners: dict[str, StateListener] = {}
        # The manager expects the attribute; nothing is put into it.
        self.output_queue: Queue[Any] = Queue()

    def deliver(self, output: Any) -> None:
        self.deliver_batch([output])

    def deliver_batch(self, outputs: Sequence[Any]) -> None:
        self._loop.call_soon_threadsafe(self._call_listeners, outputs)

    def fail_and_deliver(self, state: Any, error: Exception) -> None:
        state.status = RequestStatus.FAILED
        state.error = str(error)
        self.deliver(state.to_generation_output())

    def fail_sequence(self, sequence_id: str, cause: str) -> None:
        """End one sequence with an error; whatever the manager has for it later is dropped."""
        self._loop.call_soon_threadsafe(self._call_failed_listener, sequence_id, cause)

    def _call_failed_listener(self, sequence_id: str, cause: str) -> None:
        if listener := self.listeners.pop(sequence_id, None):
            error = GenerationFailed(
                f"the answer cannot be continued, since no token can be selected: {cause}"
            )
            listener(SequenceState(tokens=(), finished=True, queued_seconds=0.0, error=error))

    def _call_listeners(self, outputs: Sequence[Any]) -> None:
        for output in outputs:
            if listener := self.listeners.get(output.request_id):
                if output.is_finished():
                    del self.listeners[output.request_id]
                listener(
                    SequenceState(
                        tokens=output.generated_tokens,
                        finished=output.is_finished(),
                        queued_seconds=max(0.0, output.lifespan[0] - output.created_time),
                        error=EngineFailed(f"the model broke down: {output.error}")
                        if output.error
                        else None,
                    )
                )
