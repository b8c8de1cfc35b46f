"""The command line of vLLM, from a preset, the GPUs, and the options that a user sets."""
