"""What this process remembers between passes. All of it is rebuilt after a restart."""
