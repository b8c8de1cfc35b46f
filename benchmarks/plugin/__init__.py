"""How long the commands of `kubectl kaito` take to start and to answer, beside kubectl's own."""
