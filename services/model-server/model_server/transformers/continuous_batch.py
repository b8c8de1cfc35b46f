"""Continuous batching: sequences join and leave the running batch at every token.

This module, the output router and the batch sampler hold everything that touches transformers'
ContinuousBatchingManager. Its thread runs the model; the methods here are called from the event
loop, and the output router brings the results back to it.
"""

import asyncio
import logging
import threading
from itertools import count

from transformers import ContinuousBatchingConfig, GenerationConfig
from transformers.generation.continuous_batching.cache import ATTN_TYPE_TO_ALLOCATOR
from transformers.generation.continuous_batching.cache_allocators import FULL_ATTENTION
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING

from model_server.engine import SchedulerStats
from model_server.errors import EngineFailed
from model_server.transformers.batch_sampler import BatchSampler
from model_server.transformers.batch_scheduler import BatchScheduler
from model_server.transformers.kv_cache import CPU_BATCH_TOKENS, PAGE_TOKENS
from model_server.transformers.lora_layers import LoraLayers
from model_server.transformers.model_loader import LoadedModel
from model_server.transformers.output_router import OutputRouter, StateListener
from model_server.transformers.prefix_cache import PrefixAllocator
from model_server.transformers.sequence import SequenceRequest

# transformers looks both up by name; no other code of this process uses them.
_SCHEDULER = "kaito"
SCHEDULER_MAPPING[_SCHEDULER] = BatchScheduler
ATTN_TYPE_TO_ALLOCATOR[FULL_ATTENTION] = PrefixAllocator
_manager_logger = logging.getLogger("ContinuousBatchingLogger")
# Limits of one forward pass. A GPU gains from larger batches than a CPU.
_CPU_SEQUENCES = 64
_GPU_SEQUENCES = 256
_GPU_BATCH_TOKENS = 2048
# No token has this id: a sequence runs to its maximum length.
_NO_END = [-1]


class ContinuousBatch:
    """The running batch of one model."""

    def __init__(self, loaded: LoadedModel, layers: LoraLayers, pages: int | None) -> None:
        """The KV cache has `pages`; None takes what is free on the accelerator."""
        # transformers installs a handler that would write plain text between our lines of JSON.
        _manager_logger.handlers.clear()
        _manager_logger.setLevel(logging.WARNING)
        self._end_tokens = list(loaded.end_tokens) or _NO_END
        self._failure: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ids = count()
        self._router = OutputRouter(asyncio.get_running_loop())
        self._manager = loaded.model.init_continuous_batching(
            GenerationConfig(do_sample=False, eos_token_id=self._end_tokens, pad_token_id=0),
            _config(pages, loaded.model.device.type),
        )
        self._manager.logit_processor = BatchSampler(loaded.model, layers, self._fail_sequence)
        self._manager.output_router = self._router

    async def start(self) -> int:
        """Allocate the cache and start the thread. Returns how many tokens the cache holds.

        Raises:
            MemoryError, ValueError, RuntimeError: the cache cannot be allocated.
        """
        await asyncio.to_thread(self._manager.warmup)
        self._manager.start()
        threading.Thread(target=self._watch, args=(asyncio.get_running_loop(),)).start()
        return int(self._manager.continuous_batching_config.num_blocks) * PAGE_TOKENS

    @property
    def shares_prefixes(self) -> bool:
        """Whether a prompt finds the keys and values of its beginning; once started."""
        return bool(self._manager.batch_processor.cache.use_prefix_sharing)

    def next_id(self) -> str:
        """An id for a new sequence."""
        return f"{next(self._ids)}"

    def add(self, sequence: SequenceRequest, listener: StateListener) -> None:
        """Queue a sequence.

        Raises:
            EngineFailed: the manager's thread has ended.
        """
        ignore_end = sequence.sampling.params.ignore_eos
        # Before the sequence: its first state may arrive at once.
        self._router.listeners[sequence.id] = listener
        accepted = self._manager.add_request(
            list(sequence.prompt),
            request_id=sequence.id,
            max_new_tokens=sequence.sampling.params.max_new_tokens,
            streaming=True,
            eos_token_id=_NO_END if ignore_end else self._end_tokens,
            sequence=sequence,
        )
        if accepted is None:
            del self._router.listeners[sequence.id]
            raise EngineFailed("the generation loop has ended")

    def remove(self, sequence_id: str) -> None:
        """Cancel a sequence if it is still there; its listener is not called again."""
        if self._router.listeners.pop(sequence_id, None):
            self._manager.cancel_request(sequence_id)

    def scheduler_stats(self) -> SchedulerStats:
        """The current load, read without a lock: a gauge may be one step behind."""
        processor = self._manager.batch_processor
        if processor is None:
            return SchedulerStats(running=0, waiting=0, kv_cache_usage=0.0)
        scheduler, cache = processor.scheduler, processor.cache
        free_bytes = cache.compute_free_capacity(relative=False)
        size_bytes = cache.num_sectors * cache.bytes_per_sector
        cached_bytes = sum(
            each.cached_bytes
            for each in cache.cache_allocators.values()
            if isinstance(each, PrefixAllocator)
        )
        return SchedulerStats(
            running=len(scheduler.active_requests),
            waiting=len(scheduler.waiting_requests) + self._manager.input_queue.qsize(),
            kv_cache_usage=max(0.0, (size_bytes - free_bytes - cached_bytes) / size_bytes),
        )

    async def failure(self) -> str:
        """Wait until the thread ends by itself, and return the cause."""
        return await asyncio.shield(self._failure)

    async def stop(self) -> None:
        """Fail the running sequences and end the thread."""
        self._failure.cancel()
        if self._manager.is_running():
            thread = self._manager._generation_thread
            self._manager.stop(block=False, keep_for_next_session=True, hard_stop=True)
            await asyncio.to_thread(thread.join)

    def _fail_sequence(self, sequence_id: str, cause: str) -> None:
        """End one sequence with an error. Called from the manager's thread."""
        self._router.fail_sequence(sequence_id, cause)
        # The manager removes it before its next step, with its place in the KV cache.
        self._manager.cancel_request(sequence_id)

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wait until the manager's thread ends, and report it if that was a failure."""
        thread = self._manager._generation_thread
        thread.join()
        error = self._manager.background_thread_status.fatal_error
        if error is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._fail, repr(error))

    def _fail(self, cause: str) -> None:
        if not self._failure.done():
            self._failure.set_result(cause)


def _config(pages: int | None, device: str) -> ContinuousBatchingConfig:
    on_gpu = device == "cuda"
    return ContinuousBatchingConfig(
        page_size=PAGE_TOKENS,
        num_blocks=pages,
        max_batch_tokens=_GPU_BATCH_TOKENS if on_gpu else CPU_BATCH_TOKENS,
        max_requests_per_batch=_GPU_SEQUENCES if on_gpu else _CPU_SEQUENCES,
        # Leaves room for adapters that are loaded later, and for temporary tensors of sampling.
        max_memory_percent=0.8,
        scheduler_type=_SCHEDULER,
        allow_block_sharing=True,
        # A replayed graph would leave out the adapters' hooks, which are Python, and the batch
        # sampler needs the batch that is running, not the one after it.
        use_cuda_graph=False,
        use_async_batching=False,
        auto_switch_to_flash=False,
    )
