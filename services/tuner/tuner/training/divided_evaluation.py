"""An evaluation computes half as much at a time where the memory does not suffice.

Each process divides the batches that are too large for it, within the model's forward pass, and no
other process has to know: between two passes, all of them exchange what they always do.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from tuner.base_model.error_translation import is_out_of_memory, quote
from tuner.batching.evaluation_room import EvaluationRoom
from tuner.examples.example import IGNORED_LABEL
from tuner.training.agreement import Agreement
from tuner.training.batch_halves import Batch, halves, join

logger = logging.getLogger(__name__)

# The fewest that a model predicts a token from.
_BLANK_TOKENS = 2


class EvaluationShortage(Exception):
    """A single example of `tokens` tokens is too large for the evaluation in some process."""

    def __init__(self, tokens: int, detail: str) -> None:
        super().__init__(f"{tokens} tokens: {detail}")
        self.tokens = tokens
        self.detail = detail


class DividedEvaluation:
    """For a trainer of transformers: mixed into its class, before it in the order of methods."""

    model: Any
    room: EvaluationRoom
    agreement: Agreement

    def evaluation_loop(self, *args: Any, **options: Any) -> Any:
        """Evaluate with as much at a time as there is room for.

        Raises:
            EvaluationShortage: there is not room for one example, in any of the processes.
        """
        forward = DividedForward(self.model.forward, self.room)
        with _forward_of(self.model, forward):
            output = super().evaluation_loop(*args, **options)  # type: ignore[misc]
        self.room = forward.room
        found = [each for each in self.agreement.gather(forward.shortage) if each is not None]
        if found:
            raise EvaluationShortage(*max(found))
        return output


class DividedForward:
    """The `forward` of a model, which divides batches that there is no `room` for.

    `shortage` is set once a single example does not fit: its tokens, and the library's error. From
    then on nothing is computed, but the other processes get what they wait for.
    """

    def __init__(self, forward: Any, room: EvaluationRoom) -> None:
        self.room = room
        self.shortage: tuple[int, str] | None = None
        self._forward = forward

    def __call__(self, **batch: Any) -> Any:
        return self._compute(batch)

    def _compute(self, batch: Batch) -> Any:
        if self.shortage is not None:
            return self._blank(batch)
        divided = halves(batch)
        tokens = batch["input_ids"].numel()
        if divided is None or self.room.holds(tokens):
            try:
                return self._forward(**batch)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                detail = quote(error)
            # The error is gone, and with it the tensors of the pass that had no room.
            if divided is None:
                self.shortage = (tokens, detail)
                return self._blank(batch)
            self._shrink(tokens, detail)
        return join([self._compute(half) for half in divided.batches], divided)

    def _shrink(self, tokens: int, detail: str) -> None:
        self.room = EvaluationRoom.below(tokens)
        logger.warning(
            "out of memory in the evaluation: %d tokens at a time do not fit; it goes on with at "
            "most %d, and its loss is the same (%s)",
            tokens,
            self.room.tokens,
            detail,
        )

    def _blank(self, batch: Batch) -> Any:
        """An output of the right shape, in which nothing is learned."""
        rows, width = batch["input_ids"].shape
        few = {
            name: value[:1, :_BLANK_TOKENS]
            for name, value in batch.items()
            if isinstance(value, torch.Tensor) and value.shape == batch["input_ids"].shape
        }
        rest = {name: value for name, value in batch.items() if isinstance(value, bool)}
        labels = torch.full_like(few["input_ids"], IGNORED_LABEL)
        output = self._forward(**rest, **{**few, "labels": labels})
        for name, value in output.items():
            if value.ndim > 1:
                # A model predicts nothing for the last token.
                lacking = few["input_ids"].shape[1] - value.shape[1]
                output[name] = value.new_zeros((rows, width - lacking, *value.shape[2:]))
        return output


@contextmanager
def _forward_of(model: Any, forward: DividedForward) -> Iterator[None]:
    """Within the block, `forward` is that of `model`, for whoever calls it."""
    before = vars(model).get("forward")
    model.forward = forward
    try:
        yield
    finally:
        if before is None:
            del model.forward
        else:
            model.forward = before
