"""One call from its admission to its end, whatever the engine."""
