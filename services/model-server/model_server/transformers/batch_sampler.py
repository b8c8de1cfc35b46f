"""What happens around each forward pass of the batch: adapters before it, sampling after it."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from model_server.transformers.likelihoods import score_tokens
from model_server.transformers.lora_layers import LoraLayers, group_by_adapter
from model_server.transformers.prompt_piece import PromptPiece
from model_server.transformers.prompt_pooler import PromptPooler
from model_server.transformers.prompt_scorer import PromptScorer
from model_server.transformers.sampler import BatchRow, select_tokens
from model_server.transformers.sequence import SequenceRequest

logger = logging.getLogger(__name__)


class BatchSampler:
    """Takes the place of the batching manager's logits processors.

    Before a forward pass it sets the adapters of the batch; after it, it selects each sequence's
    next token. The methods are those that the manager calls.
    """

    do_processing = True
    tensors_required = 0

    def __init__(
        self, model: Any, layers: LoraLayers, fail_sequence: Callable[[str, str], None]
    ) -> None:
        """`fail_sequence` takes the id of a sequence that cannot be continued, and the cause."""
        self._layers = layers
        self._device = model.device
        self._fail_sequence = fail_sequence
        self._prompt_scorer = PromptScorer(model, fail_sequence)
        self._prompt_pooler = PromptPooler(model, fail_sequence)
        self._rows: list[BatchRow] = []
        self._sequences: list[SequenceRequest] = []

    def check_kwargs(self, kwargs: dict[str, Any]) -> None:
        """Accepts every argument: there is one, the sequence."""

    def fill_defaults(self, storage: Tensor) -> None:
        """None of the arguments is a tensor, so there is nothing to fill."""

    def prepare_tensor_args(self, requests_in_batch: Sequence[Any], arg_storage: Tensor) -> Tensor:
        lengths, pieces, self._rows, self._sequences = [], [], [], []
        start = 0
        for request in requests_in_batch:
            state, length = request.state, request.query_length
            sequence: SequenceRequest = state.logit_processor_kwargs["sequence"]
            lengths.append((sequence.adapter, length))
            if sequence.pooled or sequence.sampling.params.prompt_logprobs:
                # The manager has already counted this pass.
                position = state.position_offset - length
                pieces.append(PromptPiece(sequence, position, start, length))
            start += length
            # Part of a long prompt gets no token in this pass.
            if request.has_new_token:
                self._rows.append(_row(sequence, state))
                self._sequences.append(sequence)
        self._layers.set_active(group_by_adapter(lengths, self._device))
        self._prompt_scorer.prepare(pieces)
        self._prompt_pooler.prepare(pieces)
        return arg_storage

    def __call__(self, _tokens: Tensor, scores: Tensor, _arguments: Tensor) -> Tensor:
        scored = [at for at, row in enumerate(self._rows) if row.sampling.params.logprobs]
        # A copy: the rules of the options change the scores.
        before = scores[scored] if scored else None
        scores, failures = select_tokens(self._rows, scores)
        for at, cause in failures.items():
            sequence = self._sequences[at].id
            logger.error("no token can be selected: %s", cause, extra={"sequence": sequence})
            self._fail_sequence(sequence, cause)
        if before is not None:
            self._record_logprobs(scored, before, scores)
        return scores

    def _record_logprobs(self, scored: Sequence[int], before: Tensor, scores: Tensor) -> None:
        """Record the log probabilities of the selected tokens of these rows."""
        selected = scores[list(scored)].argmax(dim=-1)
        # The manager selects again: let there be no tie.
        scores[torch.tensor(scored, device=scores.device), selected] = torch.inf
        tops = [self._rows[at].sampling.params.top_logprobs for at in scored]
        try:
            tokens = score_tokens(before, selected.tolist(), tops)
        except Exception as error:
            for at in scored:
                self._fail_sequence(self._sequences[at].id, repr(error))
            return
        for at, token in zip(scored, tokens, strict=True):
            self._sequences[at].record.logprobs.append(token)


def _row(sequence: SequenceRequest, state: Any) -> BatchRow:
    """The row of a sequence, whose state has all of its tokens."""
    sampling = sequence.sampling
    if changes := sampling.score_changes:
        known = len(sequence.prompt) + changes.counted
        before = len(state.initial_tokens)
        changes.count(
            state.initial_tokens[known:] + state.generated_tokens[max(0, known - before) :]
        )
    if not (sampling.logits_processors or sampling.constraint):
        return BatchRow(sampling, ())
    # A copy of all tokens, which only these rules need.
    tokens = state.initial_tokens + state.generated_tokens
    return BatchRow(sampling, tokens, tokens[len(sequence.prompt) :])
