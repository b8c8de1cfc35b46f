"""The command line of vLLM."""
