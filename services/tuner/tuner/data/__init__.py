"""The dataset of a run: how it is fetched and what it holds."""
