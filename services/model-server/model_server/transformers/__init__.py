"""The engine over Hugging Face transformers: continuous batching with a paged KV cache."""
