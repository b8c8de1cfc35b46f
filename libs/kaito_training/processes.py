"""Which trainings can be shared by several processes, each with the whole model on a GPU."""

from kaito_training.sections import TrainingConfig


def find_single_process(config: TrainingConfig) -> str | None:
    """Why only one process can train with `config`, as key and value; None if several can."""
    if config.pissa:
        # Each process would compute its own start.
        return f"LoraConfig.init_lora_weights is {config.lora['init_lora_weights']}"
    return None
