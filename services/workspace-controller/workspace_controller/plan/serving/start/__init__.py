"""How far the start of a serving pod is, and how long it took."""
