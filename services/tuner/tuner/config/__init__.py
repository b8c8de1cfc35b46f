"""The training_config.yaml of a run: how a run loads it."""
