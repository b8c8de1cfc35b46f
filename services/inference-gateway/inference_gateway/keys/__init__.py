"""API keys at the door: who may use which model, how much of it, and what was used."""
