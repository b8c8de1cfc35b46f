"""Models of the Hugging Face hub that no preset describes: their facts, from their files. Pure."""
