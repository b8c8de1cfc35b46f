"""`kubectl kaito models`: the presets, what they need, and where they fit. Needs no cluster."""
