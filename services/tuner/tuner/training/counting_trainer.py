"""TRL's trainer, which counts the tokens of packed batches right, and operations quickly."""

from functools import cached_property
from typing import Any

from trl import SFTTrainer

from tuner.training.packed_rows import count_tokens


class CountingTrainer(SFTTrainer):  # type: ignore[misc]
    """Packed batches have no attention mask to count by."""

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
