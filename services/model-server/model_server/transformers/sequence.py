"""One sequence of the batch: what it starts from, and what the batch finds out about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from model_server.transformers.likelihoods import ScoredToken
from model_server.transformers.sampler import SequenceSampling


@dataclass(slots=True)
class SequenceRecord:
    """What the batch finds out about a sequence besides its tokens.

    The batch's thread writes, and the event loop reads what belongs to a state that has arrived.
    """

    # One per new token, if the sequence wants them.
    logprobs: list[ScoredToken] = field(default_factory=list)
    # Tokens of the prompt that were in the cache already.
    cached_tokens: int = 0
    # The sum of the hidden states of the prompt's first `pooled_tokens` tokens (width,).
    hidden_sum: Tensor | None = None
    pooled_tokens: int = 0
    # By the position in the prompt. A sequence that lost its place in the cache fills them again.
    prompt_logprobs: dict[int, ScoredToken] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRequest:
    """One sequence to continue. `pooled` asks for the sum of the prompt's hidden states.

    `adapter_version` differs for each time that an adapter was loaded; 0 is the base model.
    """

    id: str
    prompt: Sequence[int]
    sampling: SequenceSampling
    adapter: str | None
    adapter_version: int = 0
    priority: int = 0
    pooled: bool = False
    record: SequenceRecord = field(default_factory=SequenceRecord)

    @property
    def reuses_prefix(self) -> bool:
        """Whether cached keys and values are enough of the prompt's beginning."""
        return not (self.pooled or self.sampling.params.prompt_logprobs)

    def __deepcopy__(self, memo: Any) -> "SequenceRequest":
        """Itself: the manager copies the arguments of a sequence that lost its place."""
        return self
