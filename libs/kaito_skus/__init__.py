"""The machine types that carry GPUs, as data: what is in each, and about what it costs."""
