"""The data set of a run: how it is fetched, what it holds."""
