"""The engine over vLLM's own server: the OpenAI engine, and what only vLLM has."""
