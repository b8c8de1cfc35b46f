"""`kubectl kaito lineage`: from what answers back to the data that it was trained on."""
