"""LoRA adapters: what their files declare, and which are loaded."""
