"""`kubectl kaito why`: the first cause in plain words, with the evidence and the next step."""
