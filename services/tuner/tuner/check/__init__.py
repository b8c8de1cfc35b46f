"""`python -m tuner check`: the report on a dataset, without a cluster and without a GPU."""
