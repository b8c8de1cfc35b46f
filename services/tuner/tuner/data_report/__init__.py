"""The report on a dataset: what it holds, what of it is lost, and what training on it costs."""
