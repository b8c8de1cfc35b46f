"""Which part of a prompt a forward pass computes: long prompts take several."""

from collections.abc import Sequence
from dataclasses import dataclass

from model_server.transformers.sequence import SequenceRequest


@dataclass(frozen=True, slots=True)
class PromptPiece:
    """The part of a sequence that a forward pass computes.

    Its first token is at `position` in the sequence and at `start` in the packed batch.
    """

    sequence: SequenceRequest
    position: int
    start: int
    length: int

    @property
    def computed(self) -> range:
        """Where its tokens are in the packed batch."""
        return range(self.start, self.start + self.length)

    @property
    def scored(self) -> range:
        """The positions in the packed batch that predict a token of the prompt."""
        return range(self.start, self.start + self._count)

    @property
    def predicted(self) -> Sequence[int]:
        """The tokens of the prompt that they predict."""
        return self.sequence.prompt[self.position + 1 : self.position + 1 + self._count]

    @property
    def _count(self) -> int:
        return max(0, min(self.length, len(self.sequence.prompt) - 1 - self.position))
