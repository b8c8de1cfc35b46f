"""TRL's trainer, which counts the tokens of packed batches right, and operations quickly."""

from functools import cached_property
from typing import Any

from torch.utils.data import DataLoader
from trl import SFTTrainer

from tuner.batching.evaluation_room import EvaluationRoom
from tuner.batching.execution_plan import ExecutionPlan
from tuner.training.agreement import Agreement
from tuner.training.divided_evaluation import DividedEvaluation
from tuner.training.packed_rows import count_tokens
from tuner.training.shared_loader import SharedBatches, SharedLoader, WithBlank


class CountingTrainer(DividedEvaluation, SFTTrainer):  # type: ignore[misc]
    """Packed batches have no attention mask to count by."""

    def __init__(
        self, *, plan: ExecutionPlan, agreement: Agreement, room: EvaluationRoom, **options: Any
    ) -> None:
        self._plan = plan
        self.agreement = agreement
        self.room = room
        super().__init__(**options)

    def get_train_dataloader(self) -> DataLoader:
        """On several processes, each update has the examples that it has on one.

        accelerate would fill the last batch of an epoch with examples of its beginning.
        """
        if self._plan.processes == 1:
            return super().get_train_dataloader()
        batches = SharedBatches(self._get_train_sampler(), self._plan, self.args.process_index)
        return SharedLoader(
            WithBlank(self.train_dataset),
            batch_sampler=batches,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory and not self.args.use_cpu,
            persistent_workers=self.args.dataloader_persistent_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
        )

    def _track_num_input_tokens(self, inputs: dict[str, Any]) -> None:
        if "position_ids" not in inputs:
            super()._track_num_input_tokens(inputs)
            return
        counted = self.accelerator.gather(count_tokens(inputs["position_ids"]))
        self.state.num_input_tokens_seen += int(counted.sum())

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """As the model estimates them: six for each parameter and token."""
        return 6 * int(inputs["input_ids"].numel()) * self._parameters

    @cached_property
    def _parameters(self) -> int:
        # It walks the whole model, which the trainer would have it do for each batch.
        return int(self.model.num_parameters(exclude_embeddings=True))
