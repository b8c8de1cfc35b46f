"""Which sequences the next forward pass computes, in transformers' continuous batching.

Sequences that generate come first, then those whose prompt is partly computed, then the waiting
ones by priority.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

from transformers.generation.continuous_batching.requests import RequestStatus
from transformers.generation.continuous_batching.scheduler import FIFOScheduler

from model_server.transformers.prefix_cache import PrefixAllocator
from model_server.transformers.sequence import SequenceRequest

# So many sequences may be started before one that has waited longer, because of their priority.
_MAX_OVERTAKING = 3


class BatchScheduler(FIFOScheduler):  # type: ignore[misc]
    """transformers' own scheduler, with priorities and with prefixes per adapter."""

    def reset(self) -> None:
        super().reset()
        self._overtaken = 0

    def add_waiting_request(self, state: Any) -> None:
        super().add_waiting_request(state)
        for allocator in self._allocators():
            allocator.versions[state.request_id] = _sequence(state).adapter_version

    def finish_request(self, request_id: str) -> None:
        # transformers leaves out what the last pass of a sequence has completed: all of a prompt
        # whose answer is a single token. The last token's keys and values were never computed.
        state = self.active_requests.get(request_id)
        if state is not None and state.status is RequestStatus.FINISHED:
            computed = (state.initial_tokens + state.generated_tokens)[: state.position_offset]
            for allocator in self._allocators():
                if table := allocator.block_table.get(request_id):
                    allocator.mark_complete_blocks(request_id, computed, len(table))
        super().finish_request(request_id)

    def _get_waiting_candidates(self) -> list[Any]:
        return order_waiting(super()._get_waiting_candidates(), self._overtaken)

    def _cleanup_waiting_queue(self, request_ids_to_remove_from_waiting: set[str]) -> None:
        started = request_ids_to_remove_from_waiting
        if not self.waiting_requests_order or self.waiting_requests_order[0] in started:
            self._overtaken = 0
        else:
            self._overtaken += len(started)
        super()._cleanup_waiting_queue(started)

    def _infer_request_tokens(
        self, state: Any, request_ids_to_remove_from_waiting: set[str]
    ) -> list[int]:
        sequence = _sequence(state)
        for allocator in self._allocators():
            allocator.sought_version = sequence.adapter_version if sequence.reuses_prefix else None
        before = state.position_offset
        tokens: list[int] = super()._infer_request_tokens(state, request_ids_to_remove_from_waiting)
        # A sequence that lost its place finds its own blocks again, which is nobody's saving.
        if state.position_offset > before and not state._true_initial_tokens:
            sequence.record.cached_tokens = state.position_offset - before
        return tokens

    def _try_to_meet_safety_margin(self) -> bool:
        # Room for a whole pass of prompts, and the margin: of cached prefixes only the longest
        # unused go, where transformers would drop all.
        cache = self.cache
        cache.pool.try_to_free_sectors()
        for allocator in self._allocators():
            wanted = max(
                ceil(cache.max_batch_tokens / allocator.tokens_per_page),
                ceil(self.safety_margin * allocator.num_blocks),
            )
            free = ceil(cache.compute_free_capacity() * allocator.num_blocks)
            if allocator.evict(max(0, wanted - free)):
                cache.pool.try_to_free_sectors()
        return bool(super()._try_to_meet_safety_margin())

    def _allocators(self) -> list[PrefixAllocator]:
        if not self.cache.use_prefix_sharing:
            return []
        return list(self.cache.cache_allocators.values())


def order_waiting(waiting: Sequence[Any], overtaken: int) -> list[Any]:
    """The order to start waiting sequences in, from that of their arrival. Pure.

    Lower priority numbers first, then first come, first served. So that none waits forever, the one
    that has waited longest is next once enough others have overtaken it.
    """
    ordered = sorted(waiting, key=lambda state: _sequence(state).priority)
    if ordered and overtaken >= _MAX_OVERTAKING:
        ordered.remove(waiting[0])
        ordered.insert(0, waiting[0])
    return ordered


def _sequence(state: Any) -> SequenceRequest:
    sequence: SequenceRequest = state.logit_processor_kwargs["sequence"]
    return sequence
