"""One fine-tuning run: fetch the data, train an adapter, push it as a container image."""
