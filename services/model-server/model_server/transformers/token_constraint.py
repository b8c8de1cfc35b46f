"""Which tokens may come next in one answer, as it is generated."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from llguidance import LLMatcher
from torch import Tensor

from model_server.tool_calls.reasoning import ReasoningState


@dataclass(frozen=True, slots=True)
class ThinkingTokens:
    """The tokens around what a model thinks, which is not constrained."""

    open: int
    close: int


class TokenConstraint:
    """Follows one answer. A model that thinks may do so before the constraint begins."""

    def __init__(
        self,
        matcher: LLMatcher,
        end_tokens: Sequence[int],
        thinking: ThinkingTokens | None = None,
        state: ReasoningState = ReasoningState.ANSWERING,
    ) -> None:
        self._matcher = matcher
        self._end_tokens = list(end_tokens)
        self._thinking = thinking
        self._state = state if thinking else ReasoningState.ANSWERING
        self._read = 0

    def apply(self, answer: Sequence[int], scores: Tensor) -> bool:
        """Exclude tokens from the scores (vocabulary) of the token after the answer so far.

        Returns whether the answer is complete, so that only its end remains.

        Raises:
            ValueError: the matcher gave up.
        """
        for token in answer[self._read :]:
            self._advance(token)
        self._read = len(answer)
        if self._state is ReasoningState.THINKING:
            # An answer that ended here would not match.
            scores[self._end_tokens] = -torch.inf
            return False
        allowed = torch.frombuffer(bytearray(self._matcher.compute_logit_bias()), dtype=torch.uint8)
        if self._matcher.is_error():
            raise ValueError(f"the grammar is too complex: {self._matcher.get_error()}")
        if self._state is ReasoningState.UNDECIDED and self._thinking:
            allowed[self._thinking.open] = 1
        excluded = allowed[: scores.shape[-1]] == 0
        scores[: len(excluded)].masked_fill_(excluded.to(scores.device), -torch.inf)
        scores[len(excluded) :] = -torch.inf
        return bool(self._matcher.is_stopped())

    def _advance(self, token: int) -> None:
        thinking = self._thinking
        if thinking and self._state is ReasoningState.THINKING:
            if token == thinking.close:
                self._state = ReasoningState.ANSWERING
        elif thinking and self._state is ReasoningState.UNDECIDED and token == thinking.open:
            self._state = ReasoningState.THINKING
        else:
            self._state = ReasoningState.ANSWERING
            if not self._matcher.consume_token(token):
                raise ValueError(f"the grammar is too complex: {self._matcher.get_error()}")
