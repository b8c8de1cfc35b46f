"""What the tuner adds to any trainer of TRL."""

from functools import cached_property
from typing import Any

from torch.utils.data import DataLoader

from tuner.batching.evaluation_room import EvaluationRoom
from tuner.batching.execution_plan import ExecutionPlan
from tuner.training.agreement import Agreement
from tuner.training.divided_evaluation import DividedEvaluation
from tuner.training.shared_loader import SharedBatches, SharedLoader, WithBlank


class TunerTrainer(DividedEvaluation):
    """Mixed into a trainer's class, before it in the order of methods.

    It shares updates among processes, divides evaluations, and counts operations quickly.
    """

    args: Any
    train_dataset: Any
    data_collator: Any

    def __init__(
        self, *, plan: ExecutionPlan, agreement: Agreement, room: EvaluationRoom, **options: Any
    ) -> None:
        self.plan = plan
        self.agreement = agreement
        self.room = room
        super().__init__(**options)

    def training_collator(self) -> Any:
        """Makes the batches of an update that several processes share."""
        return self.data_collator

    def get_train_dataloader(self) -> DataLoader:
        """On several processes, each update has the examples that it has on one.

        accelerate would fill the last batch of an epoch with examples of its beginning.
        """
        if self.plan.processes == 1:
            return super().get_train_dataloader()  # type: ignore[misc]
        sampler = self._get_train_sampler()  # type: ignore[attr-defined]
        return SharedLoader(
            WithBlank(self.train_dataset),
            batch_sampler=SharedBatches(sampler, self.plan, self.args.process_index),
            collate_fn=self.training_collator(),
            num_workers=self.args.dataloader_num_workers,
            pin_memory=self.args.dataloader_pin_memory and not self.args.use_cpu,
            persistent_workers=self.args.dataloader_persistent_workers,
            prefetch_factor=self.args.dataloader_prefetch_factor,
        )

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """As the model estimates them: six for each parameter and token."""
        return 6 * int(inputs["input_ids"].numel()) * self._parameters

    @cached_property
    def _parameters(self) -> int:
        # It walks the whole model, which the trainer would have it do for each batch.
        return int(self.model.num_parameters(exclude_embeddings=True))
