"""The engine over Hugging Face's text-generation-server (TGI), by its own HTTP contract."""
