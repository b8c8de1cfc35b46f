"""The training_config.yaml of a run: its sections, how they are read and validated."""
