"""The validating webhook: its server, its certificate, and what it answers."""
