"""TRL's trainer for learning answers, which counts the tokens of packed batches right."""

from typing import Any

from trl import SFTTrainer

from tuner.training.packed_rows import count_tokens
from tuner.training.tuner_trainer import TunerTrainer


class CountingTrainer(TunerTrainer, SFTTrainer):  # type: ignore[misc]
    """Packed batches have no attention mask to count by."""

    def _track_num_input_tokens(self, inputs: dict[str, Any]) -> None:
        if "position_ids" not in inputs:
            super()._track_num_input_tokens(inputs)
            return
        counted = self.accelerator.gather(count_tokens(inputs["position_ids"]))
        self.state.num_input_tokens_seen += int(counted.sum())
