"""Scores the tokens of prompts in the forward pass that computes them anyway."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from model_server.transformers.likelihoods import score_tokens
from model_server.transformers.prompt_piece import PromptPiece


class PromptScorer:
    """Hooks of one model.

    The model computes scores only where a token follows. The hooks ask for those of prompts as
    well, and take them out of the output again: at most as many rows as a batch has tokens.
    """

    def __init__(self, model: Any, fail_sequence: Callable[[str, str], None]) -> None:
        """`fail_sequence` takes the id of a sequence that cannot be continued, and the cause."""
        self._fail_sequence = fail_sequence
        # Other threads run the same model.
        self._thread_state = threading.local()
        model.register_forward_pre_hook(self._ask, with_kwargs=True)
        model.register_forward_hook(self._take, with_kwargs=True)

    def prepare(self, pieces: Sequence[PromptPiece]) -> None:
        """Set what this thread's next forward pass scores."""
        self._thread_state.pieces = [
            piece
            for piece in pieces
            if piece.sequence.sampling.params.prompt_logprobs and piece.scored
        ]

    def _pieces(self) -> list[PromptPiece]:
        return getattr(self._thread_state, "pieces", [])

    def _ask(self, _model: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        pieces = self._pieces()
        # Models without this argument return the scores of all tokens.
        if not pieces or "logits_to_keep" not in kwargs:
            return None
        keep = kwargs["logits_to_keep"]
        return args, kwargs | {"logits_to_keep": torch.cat((keep, _positions(pieces, keep)))}

    def _take(self, _model: Any, _args: Any, kwargs: dict[str, Any], output: Any) -> None:
        pieces = self._pieces()
        if not pieces:
            return
        self._thread_state.pieces = []
        scores = output.logits[0]
        if "logits_to_keep" in kwargs:
            kept = len(scores) - sum(len(piece.scored) for piece in pieces)
            output.logits = output.logits[:, :kept]
            scores = scores[kept:]
        else:
            scores = scores[_positions(pieces, scores).long()]
        for piece, rows in zip(
            pieces, scores.split([len(piece.scored) for piece in pieces]), strict=True
        ):
            self._record(piece, rows)

    def _record(self, piece: PromptPiece, scores: Tensor) -> None:
        sequence = piece.sequence
        top = sequence.sampling.params.top_logprobs
        try:
            scored = score_tokens(scores, piece.predicted, [top] * len(scores))
        except Exception as error:
            self._fail_sequence(sequence.id, repr(error))
            return
        sequence.record.prompt_logprobs.update(enumerate(scored, start=piece.position + 1))


def _positions(pieces: Sequence[PromptPiece], like: Tensor) -> Tensor:
    positions = [at for piece in pieces for at in piece.scored]
    return torch.tensor(positions, dtype=torch.int32, device=like.device)
