"""How examples become batches: decisions, without torch."""
