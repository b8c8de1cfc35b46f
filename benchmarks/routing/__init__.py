"""What prefix affinity is worth beside least load and round robin."""
