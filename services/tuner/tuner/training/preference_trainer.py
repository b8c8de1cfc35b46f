"""TRL's DPO trainer on pairs that are tokenized already."""

from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from trl import DPOTrainer

from tuner.training.preference_batch import PreferenceBatch, count_pairs
from tuner.training.tuner_trainer import TunerTrainer

# Means over pairs, to which a blank one adds nothing.
_MEANS = (
    *(f"rewards/{name}" for name in ("chosen", "rejected", "accuracies", "margins")),
    "logps/chosen",
    "logps/rejected",
)


class PreferenceTrainer(TunerTrainer, DPOTrainer):  # type: ignore[misc]
    """The reference is the base model: the model with its adapter switched off.

    Each pair of an update counts the same, however many of them are computed at a time, and in
    whichever process.
    """

    def training_collator(self) -> PreferenceBatch:
        """All processes compute as many pairs at a time as each other."""
        collator: PreferenceBatch = replace(self.data_collator, least=self.plan.micro_batch)
        return collator

    def get_batch_samples(self, *args: Any, **options: Any) -> tuple[list[Any], None]:
        """The batches of the next update, of which the pairs are counted."""
        if self.plan.processes > 1:
            # All processes compute it now, because they gather numbers in it.
            _ = self._blank_loss
        batches, _ = super().get_batch_samples(*args, **options)
        self._pairs = self._in_all_processes(sum(map(count_pairs, batches)))
        return batches, None

    def _compute_loss(self, model: Any, inputs: dict[str, Any], return_outputs: bool) -> Any:
        result = super()._compute_loss(model, inputs, return_outputs)
        if not self.model.training:
            return result
        pairs = count_pairs(inputs)
        processes, rows = self.plan.processes, len(inputs["input_ids"]) // 2
        if processes > 1:
            share = processes * rows / self._in_all_processes(pairs)
            for name in _MEANS:
                self._metrics["train"][name][-1] *= share
        # The loss is the mean of this batch: it is divided by the number of batches, and averaged
        # over the processes.
        weight = self.current_gradient_accumulation_steps * processes / self._pairs
        if return_outputs:
            return self._of_pairs(result[0], pairs, rows) * weight, result[1]
        return self._of_pairs(result, pairs, rows) * weight

    def _track_num_input_tokens(self, inputs: dict[str, Any]) -> None:
        """Without those of blank pairs."""
        learned = inputs["completion_mask"].any(dim=1)
        counted = self.accelerator.gather(inputs["attention_mask"][learned].sum())
        self.state.num_input_tokens_seen += int(counted.sum())

    def _of_pairs(self, mean: torch.Tensor, pairs: int, rows: int) -> torch.Tensor:
        """The sum over the pairs of a batch, from the `mean` over its rows, blank ones included."""
        return mean * rows if rows == pairs else mean * rows - self._blank_loss * (rows - pairs)

    @cached_property
    def _blank_loss(self) -> float:
        """The loss of a blank pair, a constant that depends on the loss's type."""
        blank = self._prepare_inputs(replace(self.data_collator, least=1)([]))
        self.model.eval()
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = super()._compute_loss(self.model, blank, return_outputs=False)
        self._metrics["eval"].clear()
        return float(loss)

    def _in_all_processes(self, count: int) -> int:
        if self.plan.processes == 1:
            return count
        counted = torch.tensor(count, device=self.accelerator.device)
        return int(self.accelerator.gather(counted).sum())

    def _prepare_dataset(self, dataset: Any, *rest: Any) -> Any:
        """The tuner has prepared it."""
        return dataset

    def _set_signature_columns_if_needed(self) -> None:
        self._signature_columns = ["input_ids", "labels", "chosen"]
