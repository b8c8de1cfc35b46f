"""Sums the hidden states of prompts in the forward passes that compute them."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from model_server.transformers.prompt_piece import PromptPiece


class PromptPooler:
    """A hook on the decoder of one model, which sees the states after its last normalization."""

    def __init__(self, model: Any, fail_sequence: Callable[[str, str], None]) -> None:
        """`fail_sequence` takes the id of a sequence that cannot be continued, and the cause."""
        self._fail_sequence = fail_sequence
        # Other threads run the same model.
        self._thread_state = threading.local()
        model.base_model.register_forward_hook(self._take)

    def prepare(self, pieces: Sequence[PromptPiece]) -> None:
        """Set what this thread's next forward pass sums."""
        self._thread_state.pieces = [piece for piece in pieces if piece.sequence.pooled]

    def _take(self, _model: Any, _inputs: Any, output: Any) -> None:
        if pieces := getattr(self._thread_state, "pieces", None):
            self._thread_state.pieces = []
            for piece in pieces:
                try:
                    _add(piece, output[0][0, piece.computed.start : piece.computed.stop])
                except Exception as error:
                    self._fail_sequence(piece.sequence.id, repr(error))


def _add(piece: PromptPiece, states: Tensor) -> None:
    """Add hidden states (tokens, width), in float32."""
    record = piece.sequence.record
    if piece.position == 0:
        # The first pass, or the first one after the sequence lost its place in the cache.
        record.hidden_sum, record.pooled_tokens = None, 0
    if piece.position == record.pooled_tokens < len(piece.sequence.prompt):
        total = states.float().sum(dim=0)
        record.hidden_sum = total if record.hidden_sum is None else record.hidden_sum + total
        record.pooled_tokens += len(states)
