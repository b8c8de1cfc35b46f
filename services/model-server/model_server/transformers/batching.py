"""Continuous batching: sequences join and leave the running batch at every token.

Everything that touches transformers' ContinuousBatchingManager is here. Its thread runs the model;
calls of this class come from the event loop, and what it tells goes back there.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Queue
from typing import Any

from torch import Tensor
from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.requests import RequestStatus

from model_server.engine import Occupancy
from model_server.errors import EngineFailed
from model_server.transformers.load import Loaded
from model_server.transformers.lora_layers import LoraLayers, parts_of
from model_server.transformers.memory import BATCH_TOKENS, PAGE
from model_server.transformers.sampler import Row, Rules, choose

# transformers gives it a handler of its own, which would write between our lines of JSON.
_manager_log = logging.getLogger("ContinuousBatchingLogger")
_CPU_SEQUENCES = 64
_GPU_SEQUENCES = 256
_GPU_BATCH_TOKENS = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One sequence to go on with."""

    name: str
    prompt: Sequence[int]
    rules: Rules
    adapter: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where a sequence stands: all its new tokens so far. `error` ends it."""

    tokens: Sequence[int]
    finished: bool
    queued_seconds: float
    error: str | None


Listener = Callable[[Progress], None]


class Batching:
    """The running batch of one model."""

    def __init__(self, loaded: Loaded, layers: LoraLayers, pages: int | None) -> None:
        """`pages` of the KV cache; None takes what is free on the accelerator."""
        _manager_log.handlers.clear()
        _manager_log.setLevel(logging.WARNING)
        self._ends = list(loaded.end_tokens) or [-1]
        self._failed: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._delivery = _Delivery(asyncio.get_running_loop())
        self._manager = loaded.model.init_continuous_batching(
            GenerationConfig(do_sample=False, eos_token_id=self._ends, pad_token_id=0),
            _config(pages, loaded.model.device.type),
        )
        self._manager.logit_processor = _Step(layers, loaded.model.device)
        self._manager.output_router = self._delivery

    async def start(self) -> int:
        """Allocate the cache and start the thread. Returns how many tokens the cache holds.

        Raises MemoryError or ValueError when the cache does not fit.
        """
        await asyncio.to_thread(self._manager.warmup)
        self._manager.start()
        threading.Thread(target=self._watch, args=(asyncio.get_running_loop(),)).start()
        return int(self._manager.continuous_batching_config.num_blocks) * PAGE

    def add(self, sequence: Track, listener: Listener) -> None:
        """Put a sequence into the queue. Raises EngineFailed when the thread has ended."""
        self._delivery.listeners[sequence.name] = listener
        accepted = self._manager.add_request(
            list(sequence.prompt),
            request_id=sequence.name,
            max_new_tokens=sequence.rules.sampling.max_new_tokens,
            streaming=True,
            eos_token_id=self._ends,
            rules=sequence.rules,
            adapter=sequence.adapter,
        )
        if accepted is None:
            del self._delivery.listeners[sequence.name]
            raise EngineFailed("the generation loop has ended")

    def drop(self, name: str) -> None:
        """Take a sequence out, if it is still there, and tell its listener nothing any more."""
        if self._delivery.listeners.pop(name, None):
            self._manager.cancel_request(name)

    def occupancy(self) -> Occupancy:
        """Read from the running thread without a lock: numbers for a gauge."""
        processor = self._manager.batch_processor
        if processor is None:
            return Occupancy(running=0, waiting=0, kv_used=0.0)
        scheduler = processor.scheduler
        return Occupancy(
            running=len(scheduler.active_requests),
            waiting=len(scheduler.waiting_requests) + self._manager.input_queue.qsize(),
            kv_used=1.0 - float(processor.cache.compute_free_capacity()),
        )

    async def failure(self) -> str:
        """Return once the thread has ended by itself."""
        return await asyncio.shield(self._failed)

    async def stop(self) -> None:
        """Fail what is running and end the thread."""
        self._failed.cancel()
        if self._manager.is_running():
            thread = self._manager._generation_thread
            self._manager.stop(block=False, keep_for_next_session=True, hard_stop=True)
            await asyncio.to_thread(thread.join)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Sleep until the manager's thread ends, and say so if nobody asked for it."""
        thread = self._manager._generation_thread
        thread.join()
        error = self._manager.background_thread_status.fatal_error
        if error is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._fail, repr(error))

    def _fail(self, cause: str) -> None:
        if not self._failed.done():
            self._failed.set_result(cause)


def _config(pages: int | None, device: str) -> ContinuousBatchingConfig:
    on_gpu = device == "cuda"
    return ContinuousBatchingConfig(
        page_size=PAGE,
        num_blocks=pages,
        max_batch_tokens=_GPU_BATCH_TOKENS if on_gpu else BATCH_TOKENS,
        max_requests_per_batch=_GPU_SEQUENCES if on_gpu else _CPU_SEQUENCES,
        # Room for adapters that are loaded later and for sampling's temporary tensors.
        max_memory_percent=0.8,
        # A cached prefix is found by its tokens alone, and the same tokens mean other keys and
        # values under another adapter.
        allow_block_sharing=False,
        # The hooks of the adapters are Python, which a replayed graph would leave out, and the
        # step below looks at the batch as it is run, not at the one after it.
        use_cuda_graph=False,
        use_async_batching=False,
        auto_switch_to_flash=False,
    )


class _Delivery:
    """Takes progress from the manager's thread to the listeners on the event loop.

    In place of the manager's own router, which keeps what was addressed to those who have left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.listeners: dict[str, Listener] = {}
        self.output_queue: Queue[Any] = Queue()

    def deliver(self, output: Any) -> None:
        self.deliver_batch([output])

    def deliver_batch(self, outputs: Sequence[Any]) -> None:
        self._loop.call_soon_threadsafe(self._tell, outputs)

    def fail_and_deliver(self, state: Any, error: Exception) -> None:
        state.status = RequestStatus.FAILED
        state.error = str(error)
        self.deliver(state.to_generation_output())

    def _tell(self, outputs: Sequence[Any]) -> None:
        for output in outputs:
            if listener := self.listeners.get(output.request_id):
                if output.is_finished():
                    del self.listeners[output.request_id]
                listener(
                    Progress(
                        tokens=output.generated_tokens,
                        finished=output.is_finished(),
                        queued_seconds=max(0.0, output.lifespan[0] - output.created_time),
                        error=output.error,
                    )
                )


class _Step:
    """What happens around one forward pass, in the place of the manager's logits processors.

    Before it the adapters of the batch are set, after it each sequence's token is chosen.
    """

    do_processing = True
    tensors_required = 0

    def __init__(self, layers: LoraLayers, device: Any) -> None:
        self._layers = layers
        self._device = device
        self._rows: list[Row] = []

    def check_kwargs(self, kwargs: dict[str, Any]) -> None:
        """Every sequence carries its rules and its adapter."""

    def fill_defaults(self, storage: Tensor) -> None:
        """No argument of ours is a tensor."""

    def prepare_tensor_args(self, requests_in_batch: Sequence[Any], arg_storage: Tensor) -> Tensor:
        lengths, self._rows = [], []
        for request in requests_in_batch:
            given = request.state.logit_processor_kwargs
            lengths.append((given["adapter"], request.query_length))
            if request.has_new_token:
                rules: Rules = given["rules"]
                state = request.state
                seen = state.initial_tokens + state.generated_tokens if rules.shapers else ()
                self._rows.append(Row(rules, seen))
        self._layers.set_parts(parts_of(lengths, self._device))
        return arg_storage

    def __call__(self, _tokens: Tensor, scores: Tensor, _arguments: Tensor) -> Tensor:
        return choose(self._rows, scores)
