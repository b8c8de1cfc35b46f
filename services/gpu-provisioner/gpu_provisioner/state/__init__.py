"""What this process remembers between passes. A restart loses it, and delays decisions at most."""
