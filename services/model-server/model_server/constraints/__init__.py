"""What an answer has to match, as grammars of llguidance. Pure."""
