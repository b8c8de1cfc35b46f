"""`kubectl kaito logs`: the log that says most, of the right container and run."""
