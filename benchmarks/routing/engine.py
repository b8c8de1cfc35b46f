"""One replica: a model with a prefix cache, as vLLM and the transformers engine have it. Pure.

Prompts are prefilled one after the other; answers are generated beside each other. A cached block
costs no prefill. The cache forgets the blocks that were used the longest time ago.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from benchmarks.routing.conversations import BLOCK_TOKENS
from benchmarks.routing.traffic import Traffic

Blocks = list[tuple[str, int]]


@dataclass(frozen=True)
class Speed:
    """A model of some billion parameters on one GPU."""

    prefill_tokens_per_second: float = 8_000
    seconds_per_token: float = 0.025
    cache_tokens: int = 150_000


@dataclass
class Engine:
    """Mutable."""

    name: str
    speed: Speed
    traffic: Traffic = field(default_factory=Traffic)
    prompt_blocks: int = 0
    cached_blocks: int = 0
    _free_at: float = 0.0
    _cache: OrderedDict[tuple[str, int], None] = field(default_factory=OrderedDict)

    def start(self, now: float, blocks: Blocks) -> float:
        """Takes a request; returns when its first token comes."""
        self.traffic.start(now)
        cached = self._cached(blocks)
        self.prompt_blocks += len(blocks)
        self.cached_blocks += cached
        self.keep(blocks)
        tokens = (len(blocks) - cached) * BLOCK_TOKENS
        self._free_at = max(now, self._free_at) + tokens / self.speed.prefill_tokens_per_second
        return self._free_at + self.speed.seconds_per_token

    def keep(self, blocks: Blocks) -> None:
        """Caches these blocks, in place of those that were used the longest time ago."""
        for block in blocks:
            self._cache[block] = None
            self._cache.move_to_end(block)
        while len(self._cache) * BLOCK_TOKENS > self.speed.cache_tokens:
            self._cache.popitem(last=False)

    def _cached(self, blocks: Blocks) -> int:
        """How many blocks from the first on are cached. The last one is computed in any case."""
        for count, block in enumerate(blocks[:-1]):
            if block not in self._cache:
                return count
        return len(blocks) - 1
