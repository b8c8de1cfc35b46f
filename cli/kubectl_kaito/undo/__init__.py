"""`kubectl kaito undo`: serve an earlier configuration again."""
