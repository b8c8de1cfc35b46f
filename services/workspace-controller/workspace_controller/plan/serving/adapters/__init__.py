"""The adapters that are served with a model."""
