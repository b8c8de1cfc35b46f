"""From records to tokenized examples: what the model sees, and which of it the model learns."""
