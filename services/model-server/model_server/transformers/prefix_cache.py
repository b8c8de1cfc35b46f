"""Shares the cached keys and values of a prefix, between sequences of one adapter only.

transformers finds a cached block by the tokens up to its end. Under another adapter the same tokens
have other keys and values, so here the chain of hashes starts from the adapter's version.
"""

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

from transformers.generation.continuous_batching.cache_allocators import FullAttentionCacheAllocator

# Wide enough that nobody finds two prefixes of one hash.
_DIGEST_BYTES = 16


class PrefixAllocator(FullAttentionCacheAllocator):  # type: ignore[misc]
    """The blocks of all layers with full attention."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        # Of the sequence whose prefix is looked for next; None finds nothing.
        self.sought_version: int | None = None
        # By the id of a sequence.
        self.versions: dict[str, int] = {}

    def match_prefix_blocks(self, prompt_ids: Sequence[int]) -> list[int]:
        if self.sought_version is None:
            return []
        blocks: list[int] = []
        block_hash = self.sought_version
        # At least one token remains, whose scores select the next one.
        for number in range((len(prompt_ids) - 1) // self.tokens_per_page):
            block_hash = _hash(block_hash, self._tokens_of_block(prompt_ids, number))
            block = self.ledger.hash_to_block.get(block_hash)
            if block is None:
                break
            blocks.append(block)
        return blocks

    def mark_complete_blocks(
        self, request_id: str, token_ids: Sequence[int], new_new_blocks: int
    ) -> None:
        table = self.block_table[request_id]
        block_hash = self.versions[request_id]
        for number, block in enumerate(table):
            known = self.ledger.block_to_hash.get(block)
            if known is None:
                tokens = self._tokens_of_block(token_ids, number)
                if not new_new_blocks or len(tokens) < self.tokens_per_page:
                    return
                new_new_blocks -= 1
                known = _hash(block_hash, tokens)
                identical = self.ledger.register_new_hash(block, known)
                if identical is not None:
                    self.ledger.acquire(identical)
                    table[number] = identical
                    if self.ledger.release(block):
                        self.pool.free_blocks(self.index, [block])
            block_hash = known

    def free_blocks(self, request_id: str, no_cache: bool = False) -> None:
        # From the end: a block is of no use without those before it, so it is evicted first.
        self.block_table.get(request_id, []).reverse()
        super().free_blocks(request_id, no_cache)
        self.versions.pop(request_id, None)

    @property
    def cached_bytes(self) -> int:
        """The bytes of blocks that no sequence uses: they are free once one needs them."""
        return len(self.ledger.cached_blocks) * int(self.bytes_per_block)

    def evict(self, count: int) -> int:
        """Free that many blocks that no sequence uses, the longest unused ones first."""
        blocks = list(self.ledger.cached_blocks)[:count]
        for block in blocks:
            del self.ledger.cached_blocks[block]
            del self.ledger.hash_to_block[self.ledger.block_to_hash.pop(block)]
        self.pool.free_blocks(self.index, blocks)
        return len(blocks)

    def _tokens_of_block(self, tokens: Sequence[int], number: int) -> Sequence[int]:
        return tokens[number * self.tokens_per_page : (number + 1) * self.tokens_per_page]


def _hash(before: int, tokens: Sequence[int]) -> int:
    """The hash of a block, from that of the block before it, or the version of the adapter."""
    content = before.to_bytes(_DIGEST_BYTES, "little") + array("q", tokens).tobytes()
    return int.from_bytes(blake2b(content, digest_size=_DIGEST_BYTES).digest(), "little")
